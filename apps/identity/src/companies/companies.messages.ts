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
import type { Context } from '../actor';
import { EnsureCompanyService } from '../memberships/ensure-company.service';
import { CompaniesService } from './companies.service';

@Controller()
export class CompaniesMessages {
  constructor(
    private readonly companies: CompaniesService,
    private readonly ensureCompany: EnsureCompanyService,
  ) {}

  @Handles(identityContract, 'companies.create')
  create(dto: CreateCompanyDto, context: Context): Promise<Company> {
    return this.companies.create(context, dto);
  }

  @Handles(identityContract, 'companies.list-mine')
  listMine(page: PageQueryDto, context: Context): Promise<CompanyPage> {
    return this.companies.listMine(context, page);
  }

  @Handles(identityContract, 'companies.get')
  get(dto: CompanyIdDto, context: Context): Promise<Company> {
    return this.companies.get(context, dto.company_id);
  }

  @Handles(identityContract, 'companies.update')
  update(dto: UpdateCompanyCommand, context: Context): Promise<Company> {
    return this.companies.update(context, dto);
  }

  @Handles(identityContract, 'companies.label')
  label(dto: CompanyIdDto): Promise<CompanyLabel> {
    return this.companies.label(dto.company_id);
  }

  @Handles(identityContract, 'companies.ensure')
  ensure(dto: EnsureCompanyDto, context: Context): Promise<EnsureCompanyAnswer> {
    return this.ensureCompany.ensure(context, dto);
  }
}
