import { Injectable } from '@nestjs/common';
import { DomainError, type LoginAnswer } from '@puerta/contracts';
import type { Logger } from '@puerta/observability';
import { InjectConfig, InjectLogger } from '@puerta/service';
import { transaction } from '@puerta/database';
import { randomBytes } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { note } from '../activity/activity.service';
import type { IdentityConfig } from '../config';
import { hashSecret } from '../identity-keys';
import { rowsOf } from '../sql';
import { AccessTokens } from './access-tokens';
import { RefreshTokens } from './refresh-tokens';
import { findSubject } from './subject';

/** For this long a token that was just exchanged is exchanged again for the same one: the first answer may be lost. */
const REPEAT_SECONDS = 10;

/** Sessions and their refresh tokens. Each change of state is one conditional statement. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly refreshTokens: RefreshTokens,
    private readonly accessTokens: AccessTokens,
    @InjectConfig() private readonly config: IdentityConfig,
    @InjectLogger() private readonly logger: Logger,
  ) {}

  /**
   * Begins a session in the company the user chose last, if they are still an active member there.
   * @returns the session's id
   * @throws DomainError `invalid_credentials` if the user is not active
   */
  async open(tx: EntityManager, userId: string): Promise<string> {
    const id = uuid();
    const salt = randomBytes(32);
    const [session] = await rowsOf<{ id: string }>(
      tx,
      `INSERT INTO sessions (id, user_id, company_id, salt, token_hash, expires_at)
       SELECT $1, u.id, m.company_id, $3, $4, now() + make_interval(secs => $5)
         FROM users u
         LEFT JOIN memberships m
           ON m.user_id = u.id AND m.company_id = u.company_id AND m.status = 'active'
        WHERE u.id = $2 AND u.status = 'active'
       RETURNING id`,
      [id, userId, salt, hashSecret(this.refreshTokens.first(id, salt)), this.config.IDENTITY_SESSION_SECONDS],
    );
    if (!session) throw new DomainError('invalid_credentials');
    await note(tx, { kind: 'session.begun', actorUserId: userId, subjectId: id });
    return id;
  }

  /** @throws DomainError `session_revoked` if the session has ended, or its user is not active */
  async requireLive(sessionId: string): Promise<void> {
    if (!(await findSubject(this.dataSource.manager, sessionId))) throw new DomainError('session_revoked');
  }

  /**
   * The answer to whoever opened the session. Asked again it has the same refresh token.
   * @throws DomainError `session_revoked` if the session has ended since
   */
  async firstAnswer(sessionId: string): Promise<LoginAnswer> {
    const em = this.dataSource.manager;
    const [subject, [session]] = await Promise.all([
      findSubject(em, sessionId),
      rowsOf<{ salt: Buffer }>(em, 'SELECT salt FROM sessions WHERE id = $1', [sessionId]),
    ]);
    if (!subject || !session) throw new DomainError('session_revoked');
    return this.accessTokens.loginAnswer(subject, this.refreshTokens.first(sessionId, session.salt));
  }

  /**
   * Exchanges a refresh token for the next one and a new access token.
   *
   * A redelivered or repeated message needs no inbox: for some seconds the same token gives the same next one.
   * @throws DomainError `refresh_token_reused` for a token that was exchanged before, which ends the session;
   *   `refresh_token_invalid` for any other that is not current
   */
  async refresh(token: string): Promise<LoginAnswer> {
    const next = this.refreshTokens.next(token);
    const [hash, nextHash] = [hashSecret(token), hashSecret(next)];
    const sessionId = (await this.rotate(hash, nextHash)) ?? (await this.findJustRotated(nextHash));
    if (sessionId === undefined) throw await this.refuse(hash);
    const subject = await findSubject(this.dataSource.manager, sessionId);
    if (!subject) throw new DomainError('refresh_token_invalid');
    return this.accessTokens.loginAnswer(subject, next);
  }

  /**
   * Ends a session; that it has ended before, or never was, makes no difference to whoever asks.
   * @param named the session itself
   * @param token any refresh token that it ever had
   * @throws DomainError `session_mismatch` if they are of two, of which neither ends
   */
  async end(named: string | undefined, token: string | undefined): Promise<void> {
    const ofToken = token === undefined ? undefined : await this.sessionOf(token);
    if (named !== undefined && ofToken !== undefined && named !== ofToken) throw new DomainError('session_mismatch');
    const sessionId = named ?? ofToken;
    if (sessionId === undefined) return;
    await transaction(this.dataSource, async (tx) => {
      const [ended] = await rowsOf<{ user_id: string }>(
        tx,
        'UPDATE sessions SET revoked_at = now() WHERE revoked_at IS NULL AND id = $1 RETURNING user_id',
        [sessionId],
      );
      if (ended) await note(tx, { kind: 'session.ended', actorUserId: ended.user_id, subjectId: sessionId });
    });
  }

  /** A token stays its session's: so this may be asked before anything is done with it. */
  private async sessionOf(token: string): Promise<string | undefined> {
    const [session] = await rowsOf<{ id: string }>(
      this.dataSource.manager,
      `SELECT id FROM sessions WHERE token_hash = $1
       UNION ALL
       SELECT session_id FROM spent_refresh_tokens WHERE token_hash = $1`,
      [hashSecret(token)],
    );
    return session?.id;
  }

  /** Of any number of parallel calls with one token one succeeds: the others wait for its row and then do not match. */
  private async rotate(hash: Buffer, nextHash: Buffer): Promise<string | undefined> {
    const [rotated] = await rowsOf<{ id: string }>(
      this.dataSource.manager,
      `WITH rotated AS (
         UPDATE sessions s SET token_hash = $2, rotated_at = now()
           FROM users u
          WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now()
            AND u.id = s.user_id AND u.status = 'active'
         RETURNING s.id
       ), spent AS (
         INSERT INTO spent_refresh_tokens (token_hash, session_id) SELECT $1, id FROM rotated
       )
       SELECT id FROM rotated`,
      [hash, nextHash],
    );
    return rotated?.id;
  }

  /** Only who presents a token has a hash of the next one, so a match proves that the token was the last one. */
  private async findJustRotated(nextHash: Buffer): Promise<string | undefined> {
    const [session] = await rowsOf<{ id: string }>(
      this.dataSource.manager,
      `SELECT id FROM sessions
        WHERE token_hash = $1 AND rotated_at > now() - make_interval(secs => $2)`,
      [nextHash, REPEAT_SECONDS],
    );
    return session?.id;
  }

  /** A spent token in somebody's hands means that two have had it: neither may go on (RFC 9700, 4.14.2). */
  private async refuse(hash: Buffer): Promise<DomainError> {
    const betrayed = await transaction(this.dataSource, async (tx) => {
      const [session] = await rowsOf<{ id: string; user_id: string }>(
        tx,
        `UPDATE sessions s SET revoked_at = now()
           FROM spent_refresh_tokens t
          WHERE t.token_hash = $1 AND s.id = t.session_id AND s.revoked_at IS NULL AND s.expires_at > now()
         RETURNING s.id, s.user_id`,
        [hash],
      );
      if (!session) return undefined;
      await note(tx, { kind: 'session.reuse_detected', actorUserId: session.user_id, subjectId: session.id });
      return session;
    });
    if (!betrayed) return new DomainError('refresh_token_invalid');
    this.logger.warn('a refresh token was used again, its session has ended', {
      session_id: betrayed.id,
      user_id: betrayed.user_id,
    });
    return new DomainError('refresh_token_reused');
  }
}
