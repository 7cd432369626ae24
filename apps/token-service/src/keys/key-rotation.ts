import { Injectable } from '@nestjs/common';
import { KEY_USES, type KeyUse } from '@puerta/contracts';
import { transaction } from '@puerta/database';
import type { Logger } from '@puerta/observability';
import { InjectConfig, InjectLogger } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import type { TokenServiceConfig } from '../config';
import { KeyCipher } from './key-cipher';
import { generateKeyPair } from './key-pair';
import { isFull, isKnown, type KeyFacts, nextStep } from './key-steps';
import type { KeyState } from './signing-key.entity';

/** Of those who change keys one does it at a time, whichever process they are in. */
const LOCK = 'puerta.keys';

/** Why a key is not changed as was asked. The message is for whoever asked. */
export class KeyRefusal extends Error {
  override readonly name = 'KeyRefusal';
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
    return KEY_USES.some((use) => this.step(keys.filter((key) => key.use === use), now) !== undefined);
  }

  /** Does what is due. */
  async tend(): Promise<void> {
    await this.change(async (tx) => {
      for (const use of KEY_USES) await this.settle(tx, use);
    });
  }

  /**
   * Lets the next key sign, and the active one no more; what it signed stays good.
   * @param unknown whether it may even if there are those who verify and may not have read of it yet
   * @throws KeyRefusal
   */
  async rotate(use: KeyUse, unknown = false): Promise<void> {
    await this.change(async (tx) => {
      await this.settle(tx, use);
      const { keys, now } = await this.keysOf(tx, use);
      const [active, next] = [required(keys, 'active'), required(keys, 'next')];
      if (isFull(keys)) throw new KeyRefusal(`${keys.length} keys for ${use} are published, as many as verifiers read: wait for one to retire`);
      if (!unknown && !isKnown(next, now)) throw new KeyRefusal(tooNew(next, now));
      await this.move(tx, active, 'retiring');
      await this.settle(tx, use);
    });
  }

  private async change<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return transaction(this.dataSource, async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))', [LOCK]);
      return work(tx);
    });
  }

  private async settle(tx: EntityManager, use: KeyUse): Promise<void> {
    for (;;) {
      const { keys, now } = await this.keysOf(tx, use);
      const step = this.step(keys, now);
      if (!step) return;
      if ('make' in step) await this.make(tx, use, step.make);
      else await this.move(tx, { kid: step.kid, use }, step.to);
    }
  }

  private step(keys: readonly KeyFacts[], now: Date): ReturnType<typeof nextStep> {
    return nextStep(keys, now, this.config.TOKEN_SERVICE_KEY_ROTATION_DAYS);
  }

  /** They stay as they are until the end: whoever is about to write down what a key signs waits, and finds out. */
  private async keysOf(tx: EntityManager, use: KeyUse): Promise<{ keys: KeyFacts[]; now: Date }> {
    const keys = await tx.query<KeyFacts[]>(
      `SELECT kid, use, state, state_since AS "stateSince", signed_until AS "signedUntil"
         FROM keys WHERE use = $1 AND state <> 'retired' FOR UPDATE`,
      [use],
    );
    const [{ now }] = await tx.query<[{ now: Date }]>('SELECT clock_timestamp() AS now');
    return { keys, now };
  }

  private async make(tx: EntityManager, use: KeyUse, state: KeyState): Promise<void> {
    const { kid, privateKey, publicJwk } = generateKeyPair(use);
    const made = await tx.query<unknown[]>(
      `INSERT INTO keys (kid, use, state, public_jwk, private_key) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT ON CONSTRAINT keys_pkey DO NOTHING RETURNING kid`,
      [kid, use, state, publicJwk, this.cipher.seal(kid, privateKey)],
    );
    // One of the short kids may have been used: another is found in the next round.
    if (made.length > 0) this.logger.info(`made a key for ${use}: ${kid} is ${state}`);
  }

  /** A key that is retired can neither sign nor be published again: its private half is gone. */
  private async move(tx: EntityManager, { kid, use }: Pick<KeyFacts, 'kid' | 'use'>, state: KeyState): Promise<void> {
    await tx.query(
      `UPDATE keys SET state = $2, state_since = clock_timestamp(), private_key = CASE WHEN $2 <> 'retired' THEN private_key END
        WHERE kid = $1`,
      [kid, state],
    );
    this.logger.info(`the key ${kid} for ${use} is ${state}`);
  }
}

function required(keys: readonly KeyFacts[], state: KeyState): KeyFacts {
  const key = keys.find((one) => one.state === state);
  if (!key) throw new Error(`there is no ${state} key`);
  return key;
}

function tooNew({ kid, stateSince }: KeyFacts, now: Date): string {
  const seconds = Math.round((now.getTime() - stateSince.getTime()) / 1_000);
  return `the next key ${kid} has been published for ${seconds} s only: who keeps the keys as long as they may does not know it yet`;
}
