import { Controller, Module } from '@nestjs/common';
import {
  CompanyIdDto,
  type CompanyLabel,
  defineContract,
  identityContract,
  type Done,
  IssueScanPassDto,
  MembershipDto,
  type MembershipFact,
  RecordActivityDto,
  type IssuedToken,
  tokenServiceContract,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';

/** As much of identity as the card-issuer asks for. */
export const identityPart = defineContract('identity', {
  'companies.label': identityContract.patterns['companies.label'],
  'memberships.check': identityContract.patterns['memberships.check'],
  'activity.record': identityContract.patterns['activity.record'],
});

/** As much of token-service as the card-issuer asks for. */
export const tokenServicePart = defineContract('token-service', {
  'scan-passes.issue': tokenServiceContract.patterns['scan-passes.issue'],
});

/** What the activity trail has recorded. */
export const recorded: RecordActivityDto[] = [];

/** The active members of companies, as `user company`. */
export const members = new Set<string>();

/** Done after each question about a member, before its answer arrives: for what happens in between. */
export const afterCheck: { call: () => unknown } = { call: () => undefined };

@Controller()
class Companies {
  @Handles(identityPart, 'companies.label')
  async label({ company_id }: CompanyIdDto): Promise<CompanyLabel> {
    return { company_id, name: `Company ${company_id}` };
  }

  @Handles(identityPart, 'memberships.check')
  async check({ user_id, company_id }: MembershipDto): Promise<MembershipFact> {
    const active = members.has(`${user_id} ${company_id}`);
    await afterCheck.call();
    return { active };
  }

  @Handles(identityPart, 'activity.record')
  async record(activity: RecordActivityDto): Promise<Done> {
    recorded.push(activity);
    return { done: true };
  }
}

@Controller()
class ScanPasses {
  @Handles(tokenServicePart, 'scan-passes.issue')
  async issue({ scan_id }: IssueScanPassDto): Promise<IssuedToken> {
    return { token: `pass for ${scan_id}`, expires_in: 120 };
  }
}

@Module({ controllers: [Companies] })
export class TestIdentity {}

@Module({ controllers: [ScanPasses] })
export class TestTokenService {}
