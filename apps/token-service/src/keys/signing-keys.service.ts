import { atBoot } from '@puerta/database';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ConfigError } from '@puerta/config';
import { DomainError, KEY_USES, type KeySet, type KeyUse, type PublicKey } from '@puerta/contracts';
import { type InvalidationSubscriber, invalidationsOfService } from '@puerta/messaging';
import type { Logger } from '@puerta/observability';
import { InjectLogger } from '@puerta/service';
import { DataSource, Not, type Repository } from 'typeorm';
import { KeyCipher, SealError } from './key-cipher';
import { type KeyPair, keyPairOf } from './key-pair';
import { KeyRotation } from './key-rotation';
import { reseal } from './reseal';
import { KEY_STATES, SigningKeyEntity } from './signing-key.entity';

/** How often a replica reads the keys by itself while no invalidation would reach it, */
const POLL_MS = 2_000;
/** and while one would: then only to see whether it is time to change them. */
const ROTATE_MS = 20_000;

/** How often it looks whether one is sealed with an encryption key that is to go. */
const RESEAL_MS = 60_000;

/** What a key signs is written down in steps of this size, so that its row is rarely written. */
const STEP_SECONDS = 3_600;

/** A key as this replica has it in its hands. */
interface HeldKey {
  readonly use: KeyUse;
  readonly pair: KeyPair;
  /** In milliseconds, as far as is known: it only grows. */
  signedUntil: number;
}

/**
 * The signing keys as this replica knows them: read at the start, after an invalidation, now and then,
 * and whenever somebody asks for the public ones. Private halves leave the database in encrypted form, are opened here,
 * and go nowhere else.
 */
@Injectable()
export class SigningKeysService implements OnModuleInit, OnModuleDestroy {
  private readonly rows: Repository<SigningKeyEntity>;
  private held: ReadonlyMap<string, HeldKey> = new Map();
  private active: ReadonlyMap<KeyUse, HeldKey> = new Map();
  private public: ReadonlyMap<KeyUse, PublicKey[]> = new Map();
  private reading: Promise<unknown> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private readonly recording = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private failing = false;
  private resealed = -Infinity;
  private looked = -Infinity;
  private running = false;
  /** Why rows are left out, by kid. */
  private leftOut: ReadonlyMap<string, string> = new Map();
  private heldUp = '';

  constructor(
    private readonly dataSource: DataSource,
    private readonly cipher: KeyCipher,
    private readonly rotation: KeyRotation,
    @Inject(invalidationsOfService('token-service'))
    private readonly subscriber: Pick<InvalidationSubscriber, 'listen' | 'fresh'>,
    @InjectLogger() private readonly logger: Logger,
  ) {
    this.rows = dataSource.getRepository(SigningKeyEntity);
  }

  /** @throws ConfigError when a key cannot be opened: a new one in its place would end every session silently */
  async onModuleInit(): Promise<void> {
    await atBoot(async () => {
      await this.load();
      await this.reseal();
    });
    this.running = true;
    const look = (): void => void this.look();
    this.subscriber.listen({ event: look, lost: look });
    this.poll();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /**
   * The key that signs for this use now. That it signs something which is good for so long is known to all before this
   * resolves: it will be published until then.
   *
   * @param until when the last of what it is to sign expires, in seconds as `exp` has them
   * @throws DomainError `service_unavailable`
   */
  async signing(use: KeyUse, until: number): Promise<KeyPair> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const key = this.active.get(use);
      if (key && until * 1_000 <= key.signedUntil) return key.pair;
      await (key ? this.record(key, Math.ceil(until / STEP_SECONDS) * STEP_SECONDS) : this.load());
    }
    throw new DomainError('service_unavailable');
  }

  /** Whether it has all keys that there should be. */
  get isSound(): boolean {
    return this.leftOut.size === 0;
  }

  /** What verifiers may know (RFC 7517 5): the keys as they are now, for one that was withdrawn must be gone at once. */
  async published(use: KeyUse): Promise<KeySet> {
    await this.load();
    return { keys: this.public.get(use) ?? [] };
  }

  /** All who want the same written down share one statement. */
  private record(key: HeldKey, until: number): Promise<void> {
    const what = `${key.pair.kid} ${until}`;
    const writing = this.recording.get(what) ?? this.write(key, until).finally(() => this.recording.delete(what));
    this.recording.set(what, writing);
    return writing;
  }

  /** A key that signs no more is not written to: this replica does not know that yet, and reads them. */
  private async write(key: HeldKey, until: number): Promise<void> {
    const [written] = await this.dataSource.query<[{ until: Date }[], number]>(
      `UPDATE keys SET signed_until = greatest(signed_until, to_timestamp($2)) WHERE kid = $1 AND state = 'active'
       RETURNING signed_until AS until`,
      [key.pair.kid, until],
    );
    if (written[0]) key.signedUntil = Math.max(key.signedUntil, written[0].until.getTime());
    else await this.load();
  }

  private poll(): void {
    if (this.stopped) return;
    const look = async (): Promise<void> => {
      const told = this.subscriber.fresh && !this.failing && performance.now() - this.looked < ROTATE_MS;
      if (!told) await this.look();
      this.poll();
    };
    this.timer = setTimeout(() => void look(), POLL_MS * (0.75 + Math.random() / 4)).unref();
  }

  /** While they cannot be read, those that are known go on: nothing is signed beyond what was written down. */
  private async look(): Promise<void> {
    try {
      await this.load();
      this.looked = performance.now();
      if (performance.now() - this.resealed > RESEAL_MS) await this.reseal();
      this.failing = false;
    } catch (error) {
      if (!this.failing && !this.stopped) this.logger.error('the signing keys cannot be read', { error });
      this.failing = true;
    }
  }

  private async reseal(): Promise<void> {
    const count = await reseal(this.dataSource, this.cipher);
    this.resealed = performance.now();
    if (count > 0) this.logger.info(`sealed ${count} signing keys with the encryption key "${this.cipher.id}"`);
  }

  /** One reading after the other, so that no older answer replaces a newer one; all who wait for the next one share it. */
  private load(): Promise<void> {
    this.waiting ??= this.reading.then(() => {
      this.waiting = undefined;
      const read = this.read();
      this.reading = read.catch(() => undefined);
      return read;
    });
    return this.waiting;
  }

  private async read(): Promise<void> {
    let rows = await this.find();
    const [{ now }] = await this.dataSource.query<[{ now: Date }]>('SELECT clock_timestamp() AS now');
    if (this.rotation.isDue(rows, now)) {
      await this.tend();
      rows = await this.find();
    }
    this.warnOf(this.rotation.heldUp(rows, now).join(' and '));
    const held = this.holdAll(rows);
    rows = rows.filter(({ kid }) => held.has(kid));
    const keyOf = ({ kid }: SigningKeyEntity): HeldKey => held.get(kid) as HeldKey;
    this.held = held;
    this.take(new Map(rows.filter(({ state }) => state === 'active').map((row) => [row.use, keyOf(row)])));
    this.public = new Map(
      KEY_USES.map((use) => [use, rows.filter((row) => row.use === use).map((row) => keyOf(row).pair.publicJwk)]),
    );
  }

  private warnOf(heldUp: string): void {
    if (heldUp && heldUp !== this.heldUp)
      this.logger.warn(`too many keys for ${heldUp} are published for another to sign: rotation waits`);
    this.heldUp = heldUp;
  }

  private take(active: ReadonlyMap<KeyUse, HeldKey>): void {
    for (const [use, { pair }] of active) {
      if (this.active.get(use)?.pair.kid !== pair.kid) this.logger.info(`${pair.kid} signs here now, for ${use}`);
    }
    this.active = active;
  }

  /** All that are published, those that sign first. */
  private async find(): Promise<SigningKeyEntity[]> {
    const rows = await this.rows.find({ where: { state: Not('retired') }, order: { stateSince: 'DESC' } });
    const rank = ({ state }: SigningKeyEntity): number => (state === 'active' ? -1 : KEY_STATES.indexOf(state));
    return rows.sort((a, b) => rank(a) - rank(b));
  }

  private async tend(): Promise<void> {
    try {
      await this.rotation.tend();
    } catch (error) {
      // What has become of the other keys is to be known all the same.
      if (!this.running) throw error;
      this.logger.error('the signing keys cannot be changed', { error });
    }
  }

  /**
   * Judges each row by itself: one that is wrong must not keep this replica from hearing that another key was killed. At
   * the start none may be wrong.
   */
  private holdAll(rows: readonly SigningKeyEntity[]): Map<string, HeldKey> {
    const held = new Map<string, HeldKey>();
    const leftOut = new Map<string, string>();
    for (const row of rows) {
      try {
        held.set(row.kid, this.hold(row));
      } catch (error) {
        if (!this.running) throw error;
        leftOut.set(row.kid, (error as Error).message);
        if (!this.leftOut.has(row.kid)) this.logger.error('a signing key is left out', { error });
      }
    }
    this.leftOut = leftOut;
    return held;
  }

  /** Opens what it does not hold yet: a key that it has depends neither on how its row is sealed now, nor on its public key. */
  private hold(row: SigningKeyEntity): HeldKey {
    const known = this.held.get(row.kid);
    const key = known ?? { use: row.use, pair: this.open(row), signedUntil: 0 };
    if (known?.use !== row.use) requireUnchanged(row, key);
    key.signedUntil = Math.max(key.signedUntil, row.signedUntil?.getTime() ?? 0);
    return key;
  }

  private open({ kid, use, privateKey }: SigningKeyEntity): KeyPair {
    return keyPairOf(use, this.unsealed(kid, privateKey ?? ''), kid);
  }

  private unsealed(kid: string, privateKey: string) {
    try {
      return this.cipher.open(kid, privateKey);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw new ConfigError('token-service', [
        { variable: 'TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', problem: error.message },
      ]);
    }
  }
}

/** Whoever can write to the table must not be able to have a key of theirs published, or used for something else. */
function requireUnchanged({ kid, use, publicJwk: { x, y } }: SigningKeyEntity, { use: known, pair }: HeldKey): void {
  const { publicJwk } = pair;
  if (use === known && kid === pair.kid && x === publicJwk.x && y === publicJwk.y) return;
  throw new Error(`the row of the signing key ${kid} was changed: its public key is not that of its private key`);
}
