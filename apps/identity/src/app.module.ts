import { type DynamicModule, Module } from '@nestjs/common';
import { AccessMessages } from './access/access.messages';
import { AccessService } from './access/access.service';
import { ActivityMessages } from './activity/activity.messages';
import { ActivityService } from './activity/activity.service';
import { CompaniesMessages } from './companies/companies.messages';
import { CompaniesService } from './companies/companies.service';
import type { IdentityConfig } from './config';
import { IdentityKeys } from './identity-keys';
import { InvitationsMessages } from './invitations/invitations.messages';
import { InvitationsService } from './invitations/invitations.service';
import { DefaultCompanyCheck } from './companies/default-company';
import { EnsureCompanyService } from './companies/ensure-company.service';
import { AccessTokens } from './sessions/access-tokens';
import { DeviceTokens } from './sessions/device-tokens';
import { RefreshTokens } from './sessions/refresh-tokens';
import { sessionPruner } from './sessions/prune-sessions';
import { SessionsMessages } from './sessions/sessions.messages';
import { SessionsService } from './sessions/sessions.service';
import { MembershipsMessages } from './memberships/memberships.messages';
import { Passwords } from './users/passwords';
import { UsersMessages } from './users/users.messages';
import { UsersService } from './users/users.service';

@Module({})
export class AppModule {
  static forRoot({ IDENTITY_SECRET }: IdentityConfig): DynamicModule {
    const keys = new IdentityKeys(IDENTITY_SECRET);
    return {
      module: AppModule,
      controllers: [
        AccessMessages,
        ActivityMessages,
        CompaniesMessages,
        InvitationsMessages,
        MembershipsMessages,
        SessionsMessages,
        UsersMessages,
      ],
      providers: [
        { provide: IdentityKeys, useValue: keys },
        { provide: DeviceTokens, useValue: new DeviceTokens(keys) },
        { provide: RefreshTokens, useValue: new RefreshTokens(keys.refreshTokens) },
        AccessService,
        AccessTokens,
        ActivityService,
        CompaniesService,
        DefaultCompanyCheck,
        EnsureCompanyService,
        InvitationsService,
        Passwords,
        sessionPruner,
        SessionsService,
        UsersService,
      ],
    };
  }
}
