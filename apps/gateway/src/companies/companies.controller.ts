import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { InitialAuth, StrictAuth } from '@puerta/auth';
import {
  ActivityPage,
  Company,
  CompanyIdDto,
  CompanyPage,
  CreateCompanyDto,
  identityContract,
  PageQueryDto,
  UpdateCompanyDto,
} from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Operation } from '../routes/operation';
import { Sender } from '../http/sender';

@ApiTags('Companies')
@Controller('api/v1/companies')
export class CompaniesController {
  constructor(@InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>) {}

  @Post()
  @InitialAuth()
  @Operation({
    summary: 'Creates a company; its creator is the owner',
    status: 201,
    answer: Company,
    createdAt: '/api/v1/companies/{company_id}',
    problems: ['company_creation_closed', 'user_not_found'],
  })
  createCompany(@Body() company: CreateCompanyDto, @Sender() sender: CallOptions): Promise<Company> {
    return this.identity.request('companies.create', company, sender);
  }

  @Get()
  @InitialAuth()
  @Operation({ summary: 'The companies of the user, with the role in each', answer: CompanyPage })
  listCompanies(@Query() page: PageQueryDto, @Sender() sender: CallOptions): Promise<CompanyPage> {
    return this.identity.request('companies.list-mine', page, sender);
  }

  @Get(':company_id')
  @StrictAuth('admin')
  @Operation({ summary: 'One company', answer: Company, problems: ['company_not_found'] })
  getCompany(@Param() company: CompanyIdDto, @Sender() sender: CallOptions): Promise<Company> {
    return this.identity.request('companies.get', company, sender);
  }

  @Patch(':company_id')
  @StrictAuth('admin')
  @Operation({ summary: 'Changes a company', answer: Company, problems: ['company_not_found'] })
  updateCompany(
    @Param() company: CompanyIdDto,
    @Body() changes: UpdateCompanyDto,
    @Sender() sender: CallOptions,
  ): Promise<Company> {
    return this.identity.request('companies.update', { ...changes, ...company }, sender);
  }

  @Get(':company_id/activity')
  @StrictAuth('admin')
  @Operation({
    summary: 'What was done in a company, the newest first',
    answer: ActivityPage,
    problems: ['company_not_found'],
  })
  listCompanyActivity(
    @Param() company: CompanyIdDto,
    @Query() page: PageQueryDto,
    @Sender() sender: CallOptions,
  ): Promise<ActivityPage> {
    return this.identity.request('activity.list', { ...page, ...company }, sender);
  }
}
