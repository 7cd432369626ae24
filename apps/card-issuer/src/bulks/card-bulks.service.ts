import { Injectable } from '@nestjs/common';
import type { BulkCardsDto, BulkIdDto, CardBulk } from '@puerta/contracts';
import { DomainError, type FieldError } from '@puerta/contracts/core';
import { Inbox } from '@puerta/database';
import { Jobs } from '@puerta/jobs';
import { actorOf, type Call } from '@puerta/service';
import type { EntityManager } from 'typeorm';
import { issuingCompany } from '../cards/card-access';
import { validUntil } from '../cards/card-validity';
import { BEGINNING, type BulkInput, CARD_BULK, type CardBulkJob } from './card-bulk';

/** Commands for many cards at once. The role is checked when one starts: losing it later stops none. */
@Injectable()
export class CardBulksService {
  constructor(
    private readonly inbox: Inbox,
    private readonly jobs: Jobs,
  ) {}

  /** @throws DomainError `company_required`, `role_required`, `validation_failed` */
  async start(dto: BulkCardsDto, call: Call): Promise<CardBulk> {
    const companyId = issuingCompany(call);
    const input = inputOf(dto);
    const enqueue = async (tx: EntityManager) => {
      validUntil(input.valid_until);
      return { reference: { job_id: await this.jobs.enqueue(tx, CARD_BULK, input, actorOf(call)) } };
    };
    return this.inbox.answer(dto, call, enqueue, async ({ job_id: id }) =>
      toBulk(await this.jobs.get(CARD_BULK, id, companyId)),
    );
  }

  /** @throws DomainError `company_required`, `role_required`, `job_not_found` */
  async get(dto: BulkIdDto, call: Call): Promise<CardBulk> {
    return toBulk(await this.jobs.get(CARD_BULK, dto.job_id, issuingCompany(call)));
  }

  /**
   * What is done stays done. To cancel one that has ended changes nothing.
   *
   * @throws DomainError `company_required`, `role_required`, `job_not_found`
   */
  async cancel(dto: BulkIdDto, call: Call): Promise<CardBulk> {
    const companyId = issuingCompany(call);
    // Repeating it does no harm: the inbox is for the answer alone.
    return this.inbox.answer(
      dto,
      call,
      async () => ({ reference: {} }),
      async () => toBulk(await this.jobs.cancel(CARD_BULK, dto.job_id, companyId)),
    );
  }
}

/** @throws DomainError `validation_failed` for what goes together and what does not */
function inputOf({
  action,
  filter,
  card_ids: ids,
  valid_until: validUntil,
  reason,
  dry_run: dryRun,
}: BulkCardsDto): BulkInput {
  const refuse = (error: FieldError): DomainError => new DomainError('validation_failed', { errors: [error] });
  if (filter == null && ids == null) throw refuse({ field: 'filter', code: 'required' });
  if (filter != null && ids != null)
    throw refuse({ field: 'card_ids', code: 'conflicts', params: { other: 'filter' } });
  if (action === 'renew' && validUntil == null) throw refuse({ field: 'valid_until', code: 'required' });
  if (action !== 'renew' && validUntil != null) {
    throw refuse({ field: 'valid_until', code: 'conflicts', params: { other: `action ${action}` } });
  }
  return {
    action,
    filter: filter == null ? null : { ...filter },
    card_ids: ids == null ? null : [...new Set(ids)].sort(),
    valid_until: validUntil ?? null,
    reason: reason ?? null,
    dry_run: dryRun ?? false,
    as_of: new Date().toISOString(),
  };
}

function toBulk(job: CardBulkJob): CardBulk {
  const { changed, skipped } = job.position ?? BEGINNING;
  return {
    job_id: job.id,
    action: job.input.action,
    dry_run: job.input.dry_run,
    status: job.state,
    done: job.done,
    total: job.total,
    changed,
    skipped,
    error: job.errorCode,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}
