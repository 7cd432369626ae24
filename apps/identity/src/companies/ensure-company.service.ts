import { Injectable } from '@nestjs/common';
import { type Actor, DomainError, type EnsureCompanyAnswer, EnsureCompanyDto } from '@puerta/contracts';
import { Inbox } from '@puerta/database';
import { actorOf, type Call, InjectConfig } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import type { IdentityConfig } from '../config';
import { InvitationsService } from '../invitations/invitations.service';
import { AccessTokens, rolesOf } from '../sessions/access-tokens';
import { findSubject } from '../sessions/subject';
import { rowsOf } from '../sql';
import { chooseCompany, join } from '../memberships/memberships';

/** Chooses the company that a session acts in. */
@Injectable()
export class EnsureCompanyService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly inbox: Inbox,
    private readonly invitations: InvitationsService,
    private readonly accessTokens: AccessTokens,
    @InjectConfig() private readonly config: IdentityConfig,
  ) {}

  /**
   * @returns with an access token of that company
   * @throws DomainError `company_unresolved`, `company_not_found`, `company_not_joinable`, `invitation_invalid`,
   *   `invitation_for_another`, `user_not_found`, `session_revoked`
   */
  async ensure(dto: EnsureCompanyDto, call: Call): Promise<EnsureCompanyAnswer> {
    const actor = actorOf(call);
    const choose = async (tx: EntityManager) => {
      const companyId = await this.choose(tx, actor, dto);
      await remember(tx, actor, companyId);
      return { reference: { company_id: companyId } };
    };
    return this.inbox.answer(dto, ofSession(call, actor), choose, ({ company_id: id }) => this.answer(actor, id));
  }

  private async answer(actor: Actor, companyId: string): Promise<EnsureCompanyAnswer> {
    const subject = await findSubject(this.dataSource.manager, actor.session_id, companyId);
    if (!subject) throw new DomainError('session_revoked');
    if (subject.companyId === null) throw new DomainError('not_a_member');
    const access = await this.accessTokens.issue(subject);
    return {
      user_id: subject.userId,
      company_id: subject.companyId,
      roles: rolesOf(subject),
      message: 'This session acts in the company now',
      new_access_token: access.token,
      expires_in: access.expires_in,
    };
  }

  /** The company of the invitation, else the one that is named, else the current one, else the operator's default. */
  private async choose(
    tx: EntityManager,
    actor: Actor,
    { company_id: named, invitation }: EnsureCompanyDto,
  ): Promise<string> {
    if (invitation) {
      const companyId = await this.invitations.accept(tx, actor.user_id, invitation);
      if (named && named !== companyId) throw new DomainError('invitation_invalid');
      return companyId;
    }
    if (named) return enter(tx, actor.user_id, named);
    const current = await currentCompany(tx, actor);
    if (current) return current;
    const byDefault = this.config.GATEWAY_DEFAULT_COMPANY_ID;
    if (!byDefault) throw new DomainError('company_unresolved');
    await join(tx, actor.user_id, byDefault, 'member');
    return byDefault;
  }
}

/** The answer is a token of the session: another session of the user's does not get it under the same Idempotency-Key. */
function ofSession(call: Call, { session_id }: Actor): Call {
  const { idempotencyKey: key } = call;
  return key === undefined ? call : { ...call, idempotencyKey: `${session_id} ${key}` };
}

/** Lets a user into the company they name: its members, and anybody where it is open. Naming it is never enough. */
async function enter(tx: EntityManager, userId: string, companyId: string): Promise<string> {
  const [company] = await rowsOf<{ open: boolean; status: 'active' | 'suspended' | null }>(
    tx,
    `SELECT c.join_policy = 'open' AS open, m.status
       FROM companies c
       LEFT JOIN memberships m ON m.company_id = c.id AND m.user_id = $2
      WHERE c.id = $1`,
    [companyId, userId],
  );
  if (!company) throw new DomainError('company_not_found');
  if (company.status === 'active') return companyId;
  if (!company.open) throw new DomainError('company_not_joinable');
  await join(tx, userId, companyId, 'member');
  return companyId;
}

/** The session's company, else the one the user chose last, as long as they are an active member of it. */
async function currentCompany(tx: EntityManager, actor: Actor): Promise<string | null> {
  const [current] = await rowsOf<{ companyId: string | null }>(
    tx,
    `SELECT coalesce(here.company_id, last.company_id) AS "companyId"
       FROM users u
       LEFT JOIN sessions s ON s.id = $2 AND s.user_id = u.id
       LEFT JOIN memberships here
         ON here.user_id = u.id AND here.company_id = s.company_id AND here.status = 'active'
       LEFT JOIN memberships last
         ON last.user_id = u.id AND last.company_id = u.company_id AND last.status = 'active'
      WHERE u.id = $1`,
    [actor.user_id, actor.session_id],
  );
  if (!current) throw new DomainError('user_not_found');
  return current.companyId;
}

/** So that the choice survives a refresh, and the next session begins there. */
async function remember(tx: EntityManager, actor: Actor, companyId: string): Promise<void> {
  const [session] = await rowsOf(
    tx,
    `UPDATE sessions SET company_id = $3
      WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > now()
     RETURNING id`,
    [actor.session_id, actor.user_id, companyId],
  );
  if (!session) throw new DomainError('session_revoked');
  await chooseCompany(tx, actor.user_id, companyId);
}
