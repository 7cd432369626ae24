import { Controller, Module } from '@nestjs/common';
import {
  CompanyIdDto,
  type CompanyLabel,
  defineContract,
  identityContract,
  type Done,
  IssueScanPassDto,
  RecordActivityDto,
  type IssuedToken,
  tokenServiceContract,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';

/** As much of identity as the card-issuer asks for. */
export const identityPart = defineContract('identity', {
  'companies.label': identityContract.patterns['companies.label'],
  'activity.record': identityContract.patterns['activity.record'],
});

/** As much of token-service as the card-issuer asks for. */
export const tokenServicePart = defineContract('token-service', {
  'scan-passes.issue': tokenServiceContract.patterns['scan-passes.issue'],
});

/** What the activity trail has recorded. */
export const recorded: RecordActivityDto[] = [];

@Controller()
class Companies {
  @Handles(identityPart, 'companies.label')
  async label({ company_id }: CompanyIdDto): Promise<CompanyLabel> {
    return { company_id, name: `Company ${company_id}` };
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
