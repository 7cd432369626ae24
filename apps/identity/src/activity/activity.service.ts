import { Injectable } from '@nestjs/common';
import type {
  Activity,
  ActivityKind,
  ActivityPage,
  ListActivityCommand,
  PageQueryDto,
  RecordActivityDto,
} from '@puerta/contracts';
import { paginate } from '@puerta/database';
import { actorOf, type Call } from '@puerta/service';
import { DataSource, type EntityManager, type FindOptionsWhere } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { administratorOf } from '../actor';
import { ActivityEntity } from './activity.entity';

/** Something that was done here. */
export interface Deed {
  readonly kind: ActivityKind;
  readonly actorUserId: string;
  /** What it was done to. */
  readonly subjectId: string;
  /** None where it concerns the user alone. */
  readonly companyId?: string;
}

/** Records what was done, in the transaction of the change. */
export async function note(tx: EntityManager, deed: Deed): Promise<void> {
  await tx.insert(ActivityEntity, { id: uuid(), at: new Date(), companyId: null, ...deed });
}

/** Who did what: what is done here is written by `note`, what is done elsewhere is recorded by the bus. */
@Injectable()
export class ActivityService {
  constructor(private readonly dataSource: DataSource) {}

  /** The event's id is the key: an event that is delivered again finds its line. */
  async record({ id, kind, at, actor_user_id, company_id, subject_id }: RecordActivityDto): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO activity (id, kind, at, actor_user_id, company_id, subject_id) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO NOTHING`,
      [id, kind, at, actor_user_id, company_id ?? null, subject_id],
    );
  }

  /** What the actor did, the newest first. */
  async listMine(page: PageQueryDto, call: Call): Promise<ActivityPage> {
    return this.list({ actorUserId: actorOf(call).user_id }, page);
  }

  /**
   * What was done in a company, the newest first.
   * @throws DomainError `company_not_found` for any company but the one the actor acts in; `role_required`
   */
  async listOfCompany({ company_id: companyId, ...page }: ListActivityCommand, call: Call): Promise<ActivityPage> {
    administratorOf(companyId, call);
    return this.list({ companyId }, page);
  }

  private list(where: FindOptionsWhere<ActivityEntity>, page: PageQueryDto): Promise<ActivityPage> {
    const query = this.dataSource.manager.createQueryBuilder(ActivityEntity, 'activity').where(where);
    return paginate(query, page, 'id', 'DESC', shown);
  }
}

function shown(activity: ActivityEntity): Activity {
  return {
    activity_id: activity.id,
    kind: activity.kind,
    at: activity.at.toISOString(),
    actor_user_id: activity.actorUserId,
    company_id: activity.companyId,
    subject_id: activity.subjectId,
  };
}
