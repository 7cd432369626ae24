import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Actor, DomainError } from '@puerta/contracts/core';
import type { DataSource, EntityManager } from 'typeorm';
import { canonicalJson } from './canonical-json';
import { databaseFailure } from './failures';
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

export interface Once<Ref> {
  readonly reference: Ref;
  /** The effect had happened before, and `reference` is what it gave then. */
  readonly replayed: boolean;
}

export const RETENTION_MS = 24 * 60 * 60 * 1_000;
const PRUNE_BATCH = 1_000;

/**
 * Makes effects happen once, however often a message is delivered or a caller asks again. The key of the call and the
 * effect are written in one transaction, so either both are there or neither.
 */
export class Inbox {
  readonly #dataSource: DataSource;
  readonly #fingerprintKey: KeyObject;

  /** @param fingerprintKey requests may hold passwords, so only their HMAC under this key is stored */
  constructor(dataSource: DataSource, fingerprintKey: KeyObject) {
    this.#dataSource = dataSource;
    this.#fingerprintKey = fingerprintKey;
  }

  /**
   * Runs `effect` in a transaction, unless the same call has had its effect already: same Idempotency-Key, pattern,
   * user and company, or (without such a key) same message. Two at once: the second waits for the first.
   * @param request what was asked; the same key with another request is refused
   * @param effect does its work through `tx` alone; what it throws undoes everything, the key too
   * @throws DomainError `idempotency_mismatch`; `outcome_unknown` when the first call goes on for too long, or the
   *   connection was lost while committing; `service_unavailable`, `overloaded` when nothing happened
   */
  async once<Ref extends Reference>(
    call: InboxCall,
    request: object,
    effect: (tx: EntityManager) => Promise<Ref>,
  ): Promise<Once<Ref>> {
    const key = keyOf(call);
    const fingerprint = createHmac('sha256', this.#fingerprintKey).update(canonicalJson(request)).digest();
    return transaction(this.#dataSource, async (tx) => {
      if (!(await claim(tx, key, call.pattern, fingerprint))) return replay<Ref>(tx, key, fingerprint);
      const reference = await effect(tx);
      await tx.query('UPDATE inbox SET reference = $2 WHERE key = $1', [key, JSON.stringify(reference)]);
      return { reference, replayed: false };
    });
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

/** A digest of fixed length: keys are chosen by callers, and the parts cannot run into each other. */
function keyOf({ idempotencyKey, messageId, pattern, actor }: InboxCall): Buffer {
  const parts =
    idempotencyKey === undefined
      ? ['message', messageId]
      : ['key', pattern, actor?.user_id ?? null, actor?.company_id ?? null, idempotencyKey];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

/**
 * Takes the key, or an expired one over. While another transaction holds it uncommitted, PostgreSQL lets this one wait
 * (for `lock_timeout` at most); then that one's row is there, or it was rolled back and the key is ours.
 */
async function claim(tx: EntityManager, key: Buffer, pattern: string, fingerprint: Buffer): Promise<boolean> {
  try {
    const rows: unknown[] = await tx.query(
      `INSERT INTO inbox AS old (key, pattern, fingerprint, expires_at)
       VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')
       ON CONFLICT (key) DO UPDATE
         SET pattern = excluded.pattern, fingerprint = excluded.fingerprint, reference = NULL,
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

async function replay<Ref extends Reference>(tx: EntityManager, key: Buffer, fingerprint: Buffer): Promise<Once<Ref>> {
  const [row] = (await tx.query('SELECT fingerprint, reference FROM inbox WHERE key = $1', [key])) as [
    { fingerprint: Buffer; reference: Ref },
  ];
  if (!timingSafeEqual(row.fingerprint, fingerprint)) throw new DomainError('idempotency_mismatch');
  return { reference: row.reference, replayed: true };
}
