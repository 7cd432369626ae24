import { identityContract, tokenServiceContract } from '@puerta/contracts';
import { defineService } from '@puerta/service';
import { ActivityEntity } from './activity/activity.entity';
import { AppModule } from './app.module';
import { CompanyEntity } from './companies/company.entity';
import { identityConfig } from './config';
import { IdentityKeys } from './identity-keys';
import { InvitationEntity } from './invitations/invitation.entity';
import { MembershipEntity } from './companies/membership.entity';
import { migrations } from './migrations';
import { SessionEntity } from './sessions/session.entity';
import { UserEntity } from './users/user.entity';

/** The service: what it answers, reads, stores and asks. */
export const identity = defineService({
  contract: identityContract,
  config: identityConfig,
  database: (config) => ({
    url: config.IDENTITY_DATABASE_URL,
    schema: 'identity',
    entities: [ActivityEntity, CompanyEntity, InvitationEntity, MembershipEntity, SessionEntity, UserEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
    fingerprintKey: new IdentityKeys(config.IDENTITY_SECRET).fingerprints,
  }),
  calls: [tokenServiceContract],
  module: (config) => AppModule.forRoot(config),
});
