import { Injectable } from '@nestjs/common';
import {
  type Company,
  type CompanyLabel,
  type CompanyPage,
  CreateCompanyDto,
  DomainError,
  PageQueryDto,
  UpdateCompanyCommand,
} from '@puerta/contracts';
import { Inbox, paginate, violates } from '@puerta/database';
import { actorOf, type Call, InjectConfig } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { note } from '../activity/activity.service';
import { administratorOf } from '../actor';
import type { IdentityConfig } from '../config';
import { MembershipEntity } from './membership.entity';
import { refuseNull } from '../patch';
import { CompanyEntity } from './company.entity';
import { requireTimeZone } from './time-zone';

@Injectable()
export class CompaniesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly inbox: Inbox,
    @InjectConfig() private readonly config: IdentityConfig,
  ) {}

  /**
   * Makes a company; the actor owns it. To act in it they choose it with `companies.ensure`.
   * @throws DomainError `company_creation_closed` where only the operator makes companies; `user_not_found`
   */
  async create(dto: CreateCompanyDto, call: Call): Promise<Company> {
    const actor = actorOf(call);
    if (this.config.IDENTITY_COMPANY_CREATION === 'operator') throw new DomainError('company_creation_closed');
    const timeZone = dto.time_zone ?? 'UTC';
    requireTimeZone(timeZone);
    const found = async (tx: EntityManager) => {
      const id = uuid();
      const [joinPolicy, locale] = [dto.join_policy ?? 'invitation', dto.locale ?? 'en'] as const;
      await tx.insert(CompanyEntity, { id, name: dto.name, joinPolicy, timeZone, locale });
      await tx
        .insert(MembershipEntity, { userId: actor.user_id, companyId: id, role: 'owner', status: 'active' })
        .catch((error: unknown) => {
          throw violates(error, 'memberships_user_id_fkey') ? new DomainError('user_not_found') : error;
        });
      await note(tx, { kind: 'company.created', actorUserId: actor.user_id, companyId: id, subjectId: id });
      return { reference: { company_id: id } };
    };
    return this.inbox.answer(dto, call, found, ({ company_id: id }) => this.find(id));
  }

  /** Companies of which the actor is an active member, the oldest first. */
  async listMine(page: PageQueryDto, call: Call): Promise<CompanyPage> {
    const actor = actorOf(call);
    const query = this.dataSource.manager
      .createQueryBuilder(MembershipEntity, 'membership')
      .innerJoinAndSelect('membership.company', 'company')
      .where({ userId: actor.user_id, status: 'active' });
    return paginate(query, page, 'companyId', 'ASC', ({ company, role }) => ({ ...shown(company), role }));
  }

  /**
   * @throws DomainError `company_not_found` for any company but the one the actor acts in; `role_required`
   */
  async get(companyId: string, call: Call): Promise<Company> {
    administratorOf(companyId, call);
    return this.find(companyId);
  }

  /**
   * Changes what is given; null is refused, since no field can be empty.
   * @throws DomainError as `get`
   */
  async update({ company_id: companyId, ...dto }: UpdateCompanyCommand, call: Call): Promise<Company> {
    const { user_id: actorUserId } = administratorOf(companyId, call);
    const { name, join_policy: joinPolicy, time_zone: timeZone, locale } = refuseNull(dto);
    if (timeZone !== undefined) requireTimeZone(timeZone);
    const change = async (tx: EntityManager) => {
      await tx.update(CompanyEntity, { id: companyId }, { name, joinPolicy, timeZone, locale });
      await note(tx, { kind: 'company.updated', actorUserId, companyId, subjectId: companyId });
      return { reference: {} };
    };
    return this.inbox.answer({ companyId, ...dto }, call, change, () => this.find(companyId));
  }

  /** What other services show of a company. */
  async label(companyId: string): Promise<CompanyLabel> {
    const company = await this.find(companyId);
    return { company_id: company.company_id, name: company.name };
  }

  private async find(id: string): Promise<Company> {
    const company = await this.dataSource.manager.findOneBy(CompanyEntity, { id });
    if (!company) throw new DomainError('company_not_found');
    return shown(company);
  }
}

function shown(company: CompanyEntity): Company {
  return {
    company_id: company.id,
    name: company.name,
    join_policy: company.joinPolicy,
    time_zone: company.timeZone,
    locale: company.locale,
    created_at: company.createdAt.toISOString(),
  };
}
