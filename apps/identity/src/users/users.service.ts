import { Injectable } from '@nestjs/common';
import {
  canonicalEmail,
  DomainError,
  LoginDto,
  type LoginAnswer,
  RegisterDto,
  UpdateMeDto,
  type UserProfile,
} from '@puerta/contracts';
import { Inbox, violates } from '@puerta/database';
import { actorOf, type Call } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { InvitationsService } from '../invitations/invitations.service';
import { chooseCompany } from '../memberships/memberships';
import { refuseNull } from '../patch';
import { SessionsService } from '../sessions/sessions.service';
import { rowsOf } from '../sql';
import { refuseWeakPassword } from './password-policy';
import { Passwords } from './passwords';
import { UserEntity } from './user.entity';

@Injectable()
export class UsersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly inbox: Inbox,
    private readonly passwords: Passwords,
    private readonly sessions: SessionsService,
    private readonly invitations: InvitationsService,
  ) {}

  /**
   * Makes a user and their first session; with an invitation also a member of the company that invites. All or nothing.
   * @throws DomainError `email_taken`, `invitation_invalid`, `invitation_for_another`, `session_revoked` if it was asked before and that
   *   session has ended, `validation_failed` for a password that is easily guessed
   */
  async register(dto: RegisterDto, call: Call): Promise<LoginAnswer> {
    const company = dto.invitation ? await this.invitations.companyName(dto.invitation) : [];
    refuseWeakPassword('password', dto.password, [dto.name, dto.email, ...company]);
    // Before the transaction: no connection is held while a hash is computed.
    const passwordHash = await this.passwords.hash(dto.password);
    const enrol = async (tx: EntityManager) => {
      const id = uuid();
      await insertUser(tx, {
        id,
        name: dto.name,
        email: dto.email,
        passwordHash,
        locale: dto.locale ?? 'en',
        status: 'active',
      });
      if (dto.invitation) await chooseCompany(tx, id, await this.invitations.accept(tx, id, dto.invitation));
      return { reference: { session_id: await this.sessions.open(tx, id) } };
    };
    return this.firstAnswer(dto, call, enrol);
  }

  /**
   * Begins a session.
   * @throws DomainError `invalid_credentials`, the same and after the same work whether the e-mail is unknown, the
   *   password wrong or the user inactive; `session_revoked` as `register`
   */
  async login(dto: LoginDto, call: Call): Promise<LoginAnswer> {
    const [user] = await rowsOf<{ id: string; active: boolean; passwordHash: string }>(
      this.dataSource.manager,
      `SELECT id, status = 'active' AS active, password_hash AS "passwordHash"
         FROM users WHERE ${CANONICAL_EMAIL} = $1`,
      [canonicalEmail(dto.email)],
    );
    const matches = await this.passwords.verify(user?.passwordHash, dto.password);
    if (!user?.active || !matches) throw new DomainError('invalid_credentials');
    if (this.passwords.isOutdated(user.passwordHash)) await this.rehash(user, dto.password);
    const open = async (tx: EntityManager) => ({ reference: { session_id: await this.sessions.open(tx, user.id) } });
    return this.firstAnswer(dto, call, open);
  }

  /** What was answered to the same call before is answered again while its session lives: else it would be dead tokens. */
  private firstAnswer(
    dto: RegisterDto | LoginDto,
    call: Call,
    open: (tx: EntityManager) => Promise<{ reference: { session_id: string } }>,
  ): Promise<LoginAnswer> {
    return this.inbox.answer(
      dto,
      call,
      open,
      ({ session_id: id }) => this.sessions.firstAnswer(id),
      ({ session_id: id }) => this.sessions.requireLive(id),
    );
  }

  /**
   * @throws DomainError `user_not_found`
   */
  async me(call: Call): Promise<UserProfile> {
    const actor = actorOf(call);
    const [user] = await rowsOf<Omit<UserProfile, 'company_id' | 'created_at'> & { created_at: Date }>(
      this.dataSource.manager,
      PROFILE,
      [actor.user_id],
    );
    if (!user) throw new DomainError('user_not_found');
    return { ...user, company_id: actor.company_id, created_at: user.created_at.toISOString() };
  }

  /**
   * Changes what is given; null is refused, since neither field can be empty.
   * @throws DomainError `user_not_found`
   */
  async updateMe(dto: UpdateMeDto, call: Call): Promise<UserProfile> {
    const actor = actorOf(call);
    const { name, locale } = refuseNull(dto);
    const change = async (tx: EntityManager) => {
      await tx.update(UserEntity, { id: actor.user_id }, { name, locale });
      return { reference: {} };
    };
    return this.inbox.answer(dto, call, change, () => this.me(call));
  }

  /** Only over the hash that was checked: a password changed meanwhile stays changed. */
  private async rehash(user: { readonly id: string; readonly passwordHash: string }, password: string): Promise<void> {
    await this.dataSource.query('UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2', [
      user.id,
      user.passwordHash,
      await this.passwords.hash(password),
    ]);
  }
}

/** As the index `users_email_key` has it. */
const CANONICAL_EMAIL = 'coalesce(canonical_email, lower(email))';

/** One statement and no entities: front ends ask it more often than anything else. */
const PROFILE = `
  SELECT id AS user_id, name, email, email_verified_at IS NOT NULL AS email_verified, locale, created_at,
    COALESCE((
      SELECT json_agg(
        json_build_object('company_id', company.id, 'company_name', company.name, 'role', member.role, 'status', member.status)
        ORDER BY company.id
      )
      FROM memberships member JOIN companies company ON company.id = member.company_id
      WHERE member.user_id = users.id
    ), '[]') AS memberships
  FROM users WHERE id = $1`;

type NewUser = Pick<UserEntity, 'id' | 'name' | 'email' | 'passwordHash' | 'locale' | 'status'>;

/** That an e-mail is taken is known from the index alone: who looks first lets two through. */
async function insertUser(tx: EntityManager, user: NewUser): Promise<void> {
  const canonical = canonicalEmail(user.email);
  try {
    await tx.insert(UserEntity, { ...user, canonicalEmail: canonical === user.email ? null : canonical });
  } catch (error) {
    throw violates(error, 'users_email_key') ? new DomainError('email_taken') : error;
  }
}
