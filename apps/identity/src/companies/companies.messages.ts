import { Controller } from '@nestjs/common';
import {
  type Company,
  CompanyIdDto,
  type CompanyLabel,
  type CompanyPage,
  CreateCompanyDto,
  type EnsureCompanyAnswer,
  EnsureCompanyDto,
  identityContract,
  PageQueryDto,
  UpdateCompanyCommand,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { EnsureCompanyService } from './ensure-company.service';
import { CompaniesService } from './companies.service';

@Controller()
export class CompaniesMessages {
  constructor(
    private readonly companies: CompaniesService,
    private readonly ensureCompany: EnsureCompanyService,
  ) {}

  @Handles(identityContract, 'companies.create')
  create(dto: CreateCompanyDto, call: Call): Promise<Company> {
    return this.companies.create(dto, call);
  }

  @Handles(identityContract, 'companies.list-mine')
  listMine(page: PageQueryDto, call: Call): Promise<CompanyPage> {
    return this.companies.listMine(page, call);
  }

  @Handles(identityContract, 'companies.get')
  get(dto: CompanyIdDto, call: Call): Promise<Company> {
    return this.companies.get(dto.company_id, call);
  }

  @Handles(identityContract, 'companies.update')
  update(dto: UpdateCompanyCommand, call: Call): Promise<Company> {
    return this.companies.update(dto, call);
  }

  @Handles(identityContract, 'companies.label')
  label(dto: CompanyIdDto): Promise<CompanyLabel> {
    return this.companies.label(dto.company_id);
  }

  @Handles(identityContract, 'companies.ensure')
  ensure(dto: EnsureCompanyDto, call: Call): Promise<EnsureCompanyAnswer> {
    return this.ensureCompany.ensure(dto, call);
  }
}
