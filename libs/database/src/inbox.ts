import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Actor, DomainError, kindOf } from '@puerta/contracts/core';
import type { Sealer } from '@puerta/messaging';
import type { DataSource, EntityManager } from 'typeorm';
import { canonicalJson } from './canonical-json';
import { asDomainError, databaseFailure } from './failures';
import { transaction } from './transaction';

/** What the bus knows of a message; its `BusContext` fits. */
export interface InboxCall {
  readonly messageId: string;
  readonly pattern: string;
  readonly actor?: Pick<Actor, 'user_id' | 'company_id'> | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** What a handler needs to build its answer again: identifiers, never a secret. */
export type Reference = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What came of an effect. */
export interface Effect<Ref extends Reference, Answer extends object> {
  readonly reference: Ref;
  /** The answer, if it is known without asking anybody: then it is stored in the same transaction. */
  readonly answer?: Answer;
}

/** A call as the table knows it. */
interface Entry {
  readonly key: Buffer;
  readonly pattern: string;
  readonly fingerprint: Buffer;
}

/** What the table has of a call whose effect has happened. */
interface Kept<Ref> {
  readonly reference: Ref;
  /** The sealed answer; null before one was stored. */
  readonly sealed: string | null;
}

export const RETENTION_MS = 24 * 60 * 60 * 1_000;
const PRUNE_BATCH = 1_000;

/**
 * Makes effects happen once, however often a message is delivered or a caller asks again, and gives whoever asks again
 * the answer of the first time. The key of the call and the effect are written in one transaction, so either both are
 * there or neither.
 */
export class Inbox {
  readonly #dataSource: DataSource;
  readonly #fingerprintKey: KeyObject;
  readonly #sealer: Sealer;

  /** @param fingerprintKey requests may hold passwords, so only their HMAC under this key is stored */
  constructor(dataSource: DataSource, fingerprintKey: KeyObject, sealer: Sealer) {
    this.#dataSource = dataSource;
    this.#fingerprintKey = fingerprintKey;
    this.#sealer = sealer;
  }

  /**
   * Answers a call that changes something. Runs `effect` in a transaction, unless the same call has had its effect
   * already: same Idempotency-Key, pattern, user and company, or (without such a key) same message. Strangers share one
   * space of keys, so where there is no actor the request is part of the key. Two at once: the second waits for the first.
   *
   * With an Idempotency-Key the first complete answer is stored, sealed, and is what every repetition gets. Where there
   * is none yet (its replica died before it had one) or it cannot be opened any more, the answer is made again. What is
   * refused is not remembered.
   * @param request what was asked; the same key with another request is refused
   * @param effect does its work through `tx` alone; what it throws undoes everything, the key too
   * @param makeAnswer makes the answer of the reference, after the transaction, so that it may ask other services
   * @param recheck is asked before a stored answer is given again, and throws if it is not to be told any more
   * @throws DomainError `idempotency_mismatch`; `outcome_unknown` when the first call goes on for too long, the
   *   connection was lost while committing, or the answer could be neither made nor stored for now;
   *   `service_unavailable`, `overloaded` when nothing happened; what `effect`, `makeAnswer` or `recheck` throws
   */
  async answer<Ref extends Reference, Answer extends object>(
    request: object,
    call: InboxCall,
    effect: (tx: EntityManager) => Promise<Effect<Ref, Answer>>,
    makeAnswer: (reference: Ref) => Promise<Answer>,
    recheck?: (reference: Ref) => Promise<void>,
  ): Promise<Answer> {
    const fingerprint = createHmac('sha256', this.#fingerprintKey).update(canonicalJson(request)).digest();
    const keeps = call.idempotencyKey !== undefined;
    const entry = { key: keyOf(call, fingerprint), pattern: call.pattern, fingerprint };
    const { reference, sealed, fresh } = await transaction(this.#dataSource, async (tx) => {
      if (!(await claim(tx, entry))) return { ...(await find<Ref>(tx, entry)), fresh: undefined };
      const { reference, answer: fresh } = await effect(tx);
      const sealed = keeps && fresh !== undefined ? this.#seal(entry, fresh) : null;
      await complete(tx, entry, { reference, sealed });
      return { reference, sealed, fresh };
    });
    if (fresh !== undefined) return fresh;
    const known = this.#open<Answer>(entry, sealed);
    if (known !== undefined) {
      await recheck?.(reference);
      return known;
    }
    const answer = await makeAnswer(reference).catch((error: unknown) => {
      throw afterTheEffect(error);
    });
    return keeps ? this.#keep(entry, sealed, answer) : answer;
  }

  /**
   * Stores an answer unless somebody has stored another since we looked: of those who made one at the same time, the
   * first decides what all of them answer.
   * @param seen what was stored when we looked
   */
  async #keep<Answer extends object>(entry: Entry, seen: string | null, answer: Answer): Promise<Answer> {
    const sealed = this.#seal(entry, answer);
    try {
      const [[row]] = (await this.#dataSource.query(
        `UPDATE inbox SET answer = CASE WHEN answer IS NOT DISTINCT FROM $3 THEN $2 ELSE answer END
          WHERE key = $1 AND fingerprint = $4
         RETURNING answer`,
        [entry.key, sealed, seen, entry.fingerprint],
      )) as [[{ readonly answer: string }?], number];
      return row === undefined || row.answer === sealed ? answer : (this.#open<Answer>(entry, row.answer) ?? answer);
    } catch (error) {
      // Not given either: an answer that is not stored could be another one next time.
      throw afterTheEffect(error);
    }
  }

  #seal(entry: Entry, answer: object): string {
    return this.#sealer.seal(JSON.stringify(answer), contextOf(entry));
  }

  #open<Answer extends object>(entry: Entry, sealed: string | null): Answer | undefined {
    const text = sealed === null ? undefined : this.#sealer.open(sealed, contextOf(entry));
    return text === undefined ? undefined : (JSON.parse(text) as Answer);
  }

  /**
   * Forgets a batch of calls that are older than a day.
   * @returns whether there may be more
   */
  async prune(): Promise<boolean> {
    const [, count] = (await this.#dataSource.query(
      `DELETE FROM inbox WHERE key IN (
         SELECT key FROM inbox WHERE expires_at <= now() ORDER BY expires_at
         LIMIT ${PRUNE_BATCH} FOR UPDATE SKIP LOCKED)`,
    )) as [unknown, number];
    return count === PRUNE_BATCH;
  }
}

/** "Not available" says that nothing has happened: what it would be said of has. */
function afterTheEffect(error: unknown): unknown {
  const cause = asDomainError(error);
  const unavailable = cause instanceof DomainError && kindOf(cause.code) === 'unavailable';
  return unavailable ? new DomainError('outcome_unknown', { cause }) : error;
}

/** A digest of fixed length: keys are chosen by callers, and the parts cannot run into each other. */
function keyOf({ idempotencyKey, messageId, pattern, actor }: InboxCall, fingerprint: Buffer): Buffer {
  const whose = actor ? [actor.user_id, actor.company_id] : ['nobody', fingerprint.toString('base64')];
  const parts = idempotencyKey === undefined ? ['message', messageId] : ['key', pattern, ...whose, idempotencyKey];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

/** An answer opens in its own row alone: whoever writes to the table cannot give one caller another's. */
function contextOf({ key, pattern }: Entry): string {
  return `inbox ${key.toString('base64url')} ${pattern}`;
}

/**
 * Takes the key, or an expired one over. While another transaction holds it uncommitted, PostgreSQL lets this one wait
 * (for `lock_timeout` at most); then that one's row is there, or it was rolled back and the key is ours.
 */
async function claim(tx: EntityManager, { key, pattern, fingerprint }: Entry): Promise<boolean> {
  try {
    const rows: unknown[] = await tx.query(
      `INSERT INTO inbox AS old (key, pattern, fingerprint, expires_at)
       VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')
       ON CONFLICT (key) DO UPDATE
         SET pattern = excluded.pattern, fingerprint = excluded.fingerprint, reference = NULL, answer = NULL,
             expires_at = excluded.expires_at
         WHERE old.expires_at <= now()
       RETURNING key`,
      [key, pattern, fingerprint, RETENTION_MS],
    );
    return rows.length === 1;
  } catch (error) {
    if (databaseFailure(error) === 'overloaded') throw new DomainError('outcome_unknown', { cause: error });
    throw error;
  }
}

async function complete(tx: EntityManager, { key }: Entry, { reference, sealed }: Kept<Reference>): Promise<void> {
  await tx.query('UPDATE inbox SET reference = $2, answer = $3 WHERE key = $1', [
    key,
    JSON.stringify(reference),
    sealed,
  ]);
}

async function find<Ref extends Reference>(tx: EntityManager, { key, fingerprint }: Entry): Promise<Kept<Ref>> {
  const statement = 'SELECT fingerprint, reference, answer AS sealed FROM inbox WHERE key = $1';
  const [row] = (await tx.query(statement, [key])) as [{ readonly fingerprint: Buffer } & Kept<Ref>];
  if (!timingSafeEqual(row.fingerprint, fingerprint)) throw new DomainError('idempotency_mismatch');
  return row;
}
