import { Injectable } from '@nestjs/common';
import { KEY_USES, type KeyUse } from '@puerta/contracts';
import { transaction } from '@puerta/database';
import type { Logger } from '@puerta/observability';
import { InjectConfig, InjectLogger } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import type { TokenServiceConfig } from '../config';
import { KeyCipher } from './key-cipher';
import { generateKeyPair } from './key-pair';
import { isFull, isHeldUp, isKnown, KNOWN_MS, type KeyFacts, livesUntil, nextStep } from './key-steps';
import type { KeyState } from './signing-key.entity';

/** Of those who change keys one does it at a time, whichever process they are in. */
const LOCK = 'puerta.keys';

/** Why a key is not changed as was asked. The message is for whoever asked. */
export class KeyRefusal extends Error {
  override readonly name = 'KeyRefusal';
}

/** What became of a key. */
export interface KeyChange {
  readonly kid: string;
  readonly use: KeyUse;
  /** Undefined: it was made. */
  readonly from: KeyState | undefined;
  readonly to: KeyState;
  /** Nothing that it signed is good after this; null: it has signed nothing. */
  readonly signedUntil: Date | null;
}

export interface RotationOptions {
  /** Does not wait until all who verify have the next key. */
  readonly now: boolean;
}

/** One of them at work: its transaction, and what it has done. */
interface Work {
  readonly tx: EntityManager;
  readonly changes: KeyChange[];
}

/**
 * Changes which keys there are, each time in one transaction under one lock. Every replica may try at once: who comes
 * second finds what the first has done, and nothing left to do.
 */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cipher: KeyCipher,
    @InjectConfig() private readonly config: Pick<TokenServiceConfig, 'TOKEN_SERVICE_KEY_ROTATION_DAYS'>,
    @InjectLogger() private readonly logger: Logger,
  ) {}

  /** Whether time, or somebody, has left something to do. */
  isDue(keys: readonly KeyFacts[], now: Date): boolean {
    return KEY_USES.some(
      (use) =>
        this.step(
          keys.filter((key) => key.use === use),
          now,
        ) !== undefined,
    );
  }

  /** The uses of which an old key goes on signing, because as many are published as verifiers read. */
  heldUp(keys: readonly KeyFacts[], now: Date): KeyUse[] {
    const days = this.config.TOKEN_SERVICE_KEY_ROTATION_DAYS;
    return KEY_USES.filter((use) =>
      isHeldUp(
        keys.filter((key) => key.use === use),
        now,
        days,
      ),
    );
  }

  /** Does what is due. */
  async tend(): Promise<KeyChange[]> {
    return this.change(async (work) => {
      for (const use of KEY_USES) await this.settle(work, use);
    });
  }

  /**
   * Lets the next key sign, and the active one no more; what it signed stays good.
   * @throws KeyRefusal
   */
  async rotate(use: KeyUse, options: RotationOptions): Promise<KeyChange[]> {
    return this.change(async (work) => {
      await this.settle(work, use);
      await this.replaceActive(work, use, options);
    });
  }

  /**
   * Lets a key go in good order: a next one before it has signed; the active one as `rotate`, so that what it signed stays
   * good; a retiring one once nothing that it signed is. Of a retired one there is nothing to do.
   * @throws KeyRefusal
   */
  async retire(kid: string, options: RotationOptions): Promise<KeyChange[]> {
    return this.change(async (work) => {
      const { key, now } = await this.find(work, kid);
      if (key.state === 'active') return this.replaceActive(work, key.use, options);
      if (key.state === 'retiring' && livesUntil(key) > now.getTime()) throw new KeyRefusal(stillNeeded(key));
      if (key.state !== 'retired') await this.move(work, key, 'retired');
      await this.settle(work, key.use);
    });
  }

  /**
   * Withdraws a key at once, with all that it signed. When it is the active one, the next one signs.
   * @throws KeyRefusal
   */
  async kill(kid: string): Promise<KeyChange[]> {
    return this.change(async (work) => {
      const { key } = await this.find(work, kid);
      if (key.state !== 'retired') await this.move(work, key, 'retired');
      await this.settle(work, key.use);
    });
  }

  private async change(what: (work: Work) => Promise<void>): Promise<KeyChange[]> {
    const changes = await transaction(this.dataSource, async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))', [LOCK]);
      const work: Work = { tx, changes: [] };
      await what(work);
      return work.changes;
    });
    for (const { kid, use, to } of changes) this.logger.info(`the key ${kid} for ${use} is ${to}`);
    return changes;
  }

  private async replaceActive(work: Work, use: KeyUse, options: RotationOptions): Promise<void> {
    const { keys, now } = await this.keysOf(work, use);
    const [active, next] = [required(keys, 'active'), required(keys, 'next')];
    if (isFull(keys))
      throw new KeyRefusal(
        `${keys.length} keys for ${use} are published, and verifiers read no more: wait until one retires`,
      );
    if (!options.now && !isKnown(next, now)) throw new KeyRefusal(notKnown(next, now));
    await this.move(work, active, 'retiring');
    await this.settle(work, use);
  }

  private async settle(work: Work, use: KeyUse): Promise<void> {
    for (;;) {
      const { keys, now } = await this.keysOf(work, use);
      const step = this.step(keys, now);
      if (!step) return;
      if ('make' in step) await this.make(work, use, step.make);
      else await this.move(work, step.key, step.to);
    }
  }

  private step(keys: readonly KeyFacts[], now: Date): ReturnType<typeof nextStep> {
    return nextStep(keys, now, this.config.TOKEN_SERVICE_KEY_ROTATION_DAYS);
  }

  private async find(work: Work, kid: string): Promise<{ key: KeyFacts; now: Date }> {
    const { keys, now } = await this.select(work, 'kid = $1', kid);
    const [key] = keys;
    if (!key) throw new KeyRefusal(`there is no key ${kid}`);
    return { key, now };
  }

  private async keysOf(work: Work, use: KeyUse): Promise<{ keys: KeyFacts[]; now: Date }> {
    return this.select(work, `use = $1 AND state <> 'retired'`, use);
  }

  /** They stay as they are until the end: whoever is about to write down what a key signs waits, and finds out. */
  private async select({ tx }: Work, condition: string, value: string): Promise<{ keys: KeyFacts[]; now: Date }> {
    const columns = 'kid, use, state, state_since AS "stateSince", signed_until AS "signedUntil"';
    const keys = await tx.query<KeyFacts[]>(`SELECT ${columns} FROM keys WHERE ${condition} FOR UPDATE`, [value]);
    const [{ now }] = await tx.query<[{ now: Date }]>('SELECT clock_timestamp() AS now');
    return { keys, now };
  }

  private async make({ tx, changes }: Work, use: KeyUse, to: KeyState): Promise<void> {
    await this.requireSameEncryption(tx);
    const { kid, privateKey, publicJwk } = generateKeyPair(use);
    const made = await tx.query<unknown[]>(
      `INSERT INTO keys (kid, use, state, public_jwk, private_key) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT ON CONSTRAINT keys_pkey DO NOTHING RETURNING kid`,
      [kid, use, to, publicJwk, this.cipher.seal(kid, privateKey)],
    );
    // One of the short kids may have been used: another is found in the next round.
    if (made.length > 0) changes.push({ kid, use, from: undefined, to, signedUntil: null });
  }

  /** Else whoever has the wrong encryption key would make keys that no replica can open. @throws KeyRefusal */
  private async requireSameEncryption(tx: EntityManager): Promise<void> {
    const rows = await tx.query<{ kid: string; sealed: string }[]>(
      'SELECT kid, private_key AS sealed FROM keys WHERE private_key IS NOT NULL',
    );
    if (rows.length === 0 || rows.some(({ kid, sealed }) => this.cipher.opens(kid, sealed))) return;
    throw new KeyRefusal(
      'TOKEN_SERVICE_KEY_ENCRYPTION_KEYS opens none of the keys there are: it is not that of the token-service',
    );
  }

  /** A key that is retired can neither sign nor be published again: its private half is gone. */
  private async move(
    { tx, changes }: Work,
    { kid, use, state: from, signedUntil }: KeyFacts,
    to: KeyState,
  ): Promise<void> {
    await tx.query(
      `UPDATE keys SET state = $2, state_since = clock_timestamp(), private_key = CASE WHEN $2 <> 'retired' THEN private_key END
        WHERE kid = $1`,
      [kid, to],
    );
    changes.push({ kid, use, from, to, signedUntil });
  }
}

function required(keys: readonly KeyFacts[], state: KeyState): KeyFacts {
  const key = keys.find((one) => one.state === state);
  if (!key) throw new Error(`there is no ${state} key`);
  return key;
}

function notKnown({ kid, stateSince }: KeyFacts, now: Date): string {
  const seconds = Math.round((now.getTime() - stateSince.getTime()) / 1_000);
  return (
    `the next key ${kid} was published ${seconds} s ago: whoever keeps the public keys for as long as they may does not have it before ` +
    `${KNOWN_MS / 1_000} s`
  );
}

function stillNeeded(key: KeyFacts): string {
  const until = new Date(livesUntil(key)).toISOString();
  return `what the key ${key.kid} signed may live until ${until}, and then it retires by itself; to withdraw it now, kill it`;
}
