import { Injectable } from '@nestjs/common';
import {
  canonicalEmail,
  type CreatedInvitation,
  DomainError,
  type Done,
  type Invitation,
  InvitationIdDto,
  type InvitationPage,
  InviteCommand,
  isAtLeast,
  ListInvitationsCommand,
  type Role,
} from '@puerta/contracts';
import { Inbox, paginate } from '@puerta/database';
import type { Call } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { note } from '../activity/activity.service';
import { administratorOf } from '../actor';
import { hashSecret, IdentityKeys, makeSecret } from '../identity-keys';
import { join } from '../memberships/memberships';
import { rowsOf } from '../sql';
import { InvitationEntity } from './invitation.entity';

const DEFAULT_SECONDS = 7 * 24 * 3600;

@Injectable()
export class InvitationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly inbox: Inbox,
    private readonly keys: IdentityKeys,
  ) {}

  /**
   * Invites into the company that the actor administers.
   * @returns with the secret, which is shown here alone
   * @throws DomainError `company_not_found`; `role_required` also for a role above the inviter's own
   */
  async create(dto: InviteCommand, call: Call): Promise<CreatedInvitation> {
    const inviter = administratorOf(dto.company_id, call);
    if (!isAtLeast(inviter.role, dto.role)) throw new DomainError('role_required');
    const invite = async (tx: EntityManager) => {
      const id = uuid();
      await tx.query(
        `INSERT INTO invitations (id, company_id, email, role, secret_hash, invited_by, expires_at, any_email)
         VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), $8)`,
        [
          id,
          dto.company_id,
          dto.email,
          dto.role,
          hashSecret(this.secretOf(id)),
          inviter.user_id,
          dto.expires_in ?? DEFAULT_SECONDS,
          dto.any_email ?? false,
        ],
      );
      await note(tx, {
        kind: 'invitation.created',
        actorUserId: inviter.user_id,
        companyId: dto.company_id,
        subjectId: id,
      });
      return { reference: { invitation_id: id } };
    };
    return this.inbox.answer(dto, call, invite, ({ invitation_id: id }) => this.created(id));
  }

  private async created(id: string): Promise<CreatedInvitation> {
    const invitation = await this.dataSource.manager.findOneBy(InvitationEntity, { id });
    if (!invitation) throw new DomainError('invitation_not_found');
    return { ...shown(invitation), invitation: this.secretOf(invitation.id) };
  }

  /**
   * Makes the user a member as the invitation says, which is good once, and for the account with its e-mail unless it was
   * made for any. From the one who accepted it before it is no error, and gives nothing more.
   * @returns the company's id
   * @throws DomainError `invitation_for_another`, which leaves it as it is; `invitation_invalid` if it was used, revoked, has
   *   expired or never was
   */
  async accept(tx: EntityManager, userId: string, secret: string): Promise<string> {
    const hash = hashSecret(secret);
    await refuseAnother(tx, userId, hash);
    const [accepted] = await rowsOf<{ id: string; company_id: string; role: Role }>(
      tx,
      `UPDATE invitations SET accepted_at = now(), accepted_by = $2
        WHERE secret_hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
       RETURNING id, company_id, role`,
      [hash, userId],
    );
    if (accepted) {
      const { id: subjectId, company_id: companyId, role } = accepted;
      await note(tx, { kind: 'invitation.accepted', actorUserId: userId, companyId, subjectId });
      await join(tx, userId, companyId, role);
      return companyId;
    }
    const [before] = await rowsOf<{ company_id: string }>(
      tx,
      `SELECT i.company_id FROM invitations i
         JOIN memberships m ON m.company_id = i.company_id AND m.user_id = i.accepted_by AND m.status = 'active'
        WHERE i.secret_hash = $1 AND i.accepted_by = $2`,
      [hash, userId],
    );
    if (!before) throw new DomainError('invitation_invalid');
    return before.company_id;
  }

  /** The name of the company that invites, alone or none: for judging passwords, and not to be told. */
  async companyName(secret: string): Promise<string[]> {
    const companies = await rowsOf<{ name: string }>(
      this.dataSource.manager,
      'SELECT c.name FROM invitations i JOIN companies c ON c.id = i.company_id WHERE i.secret_hash = $1',
      [hashSecret(secret)],
    );
    return companies.map(({ name }) => name);
  }

  /** The company's invitations, the newest first. Secrets are not shown again. */
  async list({ company_id: companyId, ...page }: ListInvitationsCommand, call: Call): Promise<InvitationPage> {
    administratorOf(companyId, call);
    const query = this.dataSource.manager.createQueryBuilder(InvitationEntity, 'invitation').where({ companyId });
    return paginate(query, page, 'id', 'DESC', shown);
  }

  /**
   * That it was revoked or has expired before makes no difference.
   * @throws DomainError `invitation_not_found`; `invitation_invalid` if somebody has accepted it: they are a member now
   */
  async revoke(dto: InvitationIdDto, call: Call): Promise<Done> {
    const { user_id: actorUserId } = administratorOf(dto.company_id, call);
    const done: Done = { done: true };
    const revoke = async (tx: EntityManager) => {
      const [invitation] = await rowsOf<{ accepted: boolean; revokedNow: boolean }>(
        tx,
        `UPDATE invitations
            SET revoked_at = CASE WHEN accepted_at IS NULL THEN coalesce(revoked_at, now()) END
          WHERE id = $1 AND company_id = $2
         RETURNING accepted_at IS NOT NULL AS accepted, coalesce(revoked_at = now(), false) AS "revokedNow"`,
        [dto.invitation_id, dto.company_id],
      );
      if (!invitation) throw new DomainError('invitation_not_found');
      if (invitation.accepted) throw new DomainError('invitation_invalid');
      const deed = { actorUserId, companyId: dto.company_id, subjectId: dto.invitation_id };
      if (invitation.revokedNow) await note(tx, { kind: 'invitation.revoked', ...deed });
      return { reference: {}, answer: done };
    };
    return this.inbox.answer(dto, call, revoke, async () => done);
  }

  /** Made again when the answer has to be given again; the database has its hash alone. */
  private secretOf(invitationId: string): string {
    return makeSecret(this.keys.invitations, invitationId);
  }
}

/** Whom an invitation is for does not change: so this may be asked before the statement that accepts it. */
async function refuseAnother(tx: EntityManager, userId: string, hash: Buffer): Promise<void> {
  const [pending] = await rowsOf<{ anyEmail: boolean; invited: string; own: string }>(
    tx,
    `SELECT i.any_email AS "anyEmail", i.email AS invited, u.email AS own
       FROM invitations i JOIN users u ON u.id = $2
      WHERE i.secret_hash = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()`,
    [hash, userId],
  );
  if (!pending || pending.anyEmail || canonicalEmail(pending.invited) === canonicalEmail(pending.own)) return;
  throw new DomainError('invitation_for_another');
}

function shown(invitation: InvitationEntity): Invitation {
  return {
    invitation_id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    any_email: invitation.anyEmail,
    status: statusOf(invitation),
    expires_at: invitation.expiresAt.toISOString(),
    created_at: invitation.createdAt.toISOString(),
  };
}

/** For the eye alone: whether one may still be accepted is judged by PostgreSQL, where it is accepted. */
function statusOf({ acceptedAt, revokedAt, expiresAt }: InvitationEntity): Invitation['status'] {
  if (acceptedAt) return 'accepted';
  if (revokedAt) return 'revoked';
  return expiresAt.getTime() <= Date.now() ? 'expired' : 'pending';
}
