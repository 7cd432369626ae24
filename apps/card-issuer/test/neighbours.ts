import { Controller, Module } from '@nestjs/common';
import {
  CompanyIdDto,
  type CompanyLabel,
  defineContract,
  identityContract,
  IssueScanPassDto,
  type IssuedToken,
  tokenServiceContract,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';

/** As much of identity as the card-issuer asks for. */
export const identityPart = defineContract('identity', {
  'companies.label': identityContract.patterns['companies.label'],
});

/** As much of token-service as the card-issuer asks for. */
export const tokenServicePart = defineContract('token-service', {
  'scan-passes.issue': tokenServiceContract.patterns['scan-passes.issue'],
});

@Controller()
class Companies {
  @Handles(identityPart, 'companies.label')
  async label({ company_id }: CompanyIdDto): Promise<CompanyLabel> {
    return { company_id, name: `Company ${company_id}` };
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
