import type { Authenticator, Identity, RawRequest, Requirement, UserIdentity } from '@puerta/auth';
import { DomainError, type ErrorCode, isAtLeast, kindOf } from '@puerta/contracts/core';

/** How often it is looked for tokens that have expired, and for doubts that have lasted too long. */
const EVERY_MS = 250;

/** While it cannot be known whether access still holds, nothing is ended for this long. */
const DOUBT_MS = 5_000;

/** Then, what could not be known is asked again. */
const ASK_AGAIN_MS = 2_000;

/** After something may have been missed, all are asked about: not all at once. */
const MOST_QUESTIONS = 50;

export const LIVE_KINDS = ['websocket', 'events', 'stream'] as const;
/** A WebSocket; an answer of events that has no end; any other answer that takes long. */
export type LiveKind = (typeof LIVE_KINDS)[number];

/** Why a connection is ended that neither side wanted to end: it would be refused now with this code. */
export type EndReason = ErrorCode | 'shutdown';

export interface LiveConnection {
  readonly kind: LiveKind;
  /** Whom it was opened for. */
  readonly identity: Identity | undefined;
  /** What the route asks. */
  readonly requirement: Requirement;
  /** With the token that it was opened with, and nothing else. */
  readonly credential: RawRequest;
  /** Called once at most, and not after it was removed. */
  readonly end: (reason: EndReason) => void;
}

/** Tells of changes; see InvalidationSource in libs/auth. */
interface Source {
  readonly fresh: boolean;
  listen(listener: { event(type: string, data: Readonly<Record<string, unknown>>): void; lost(): void }): void;
}

export interface Changes {
  /** What is true of users. */
  readonly facts: Source;
  /** Which keys are good. */
  readonly keys: Omit<Source, 'fresh'>;
}

interface Entry extends LiveConnection {
  /** Since when it is not sure that access still holds. */
  doubtedSince?: number | undefined;
  /** How many doubts there have been. */
  doubts: number;
  askedAt: number;
  asking: boolean;
  /** Whether the key may be gone that has signed its token. */
  unsigned: boolean;
}

interface Guarded extends Entry {
  readonly identity: UserIdentity;
}

/**
 * What has been let in and lasts: it is ended when a request with the same token would be refused. Who changes is told by
 * invalidations, so that as long as nobody does, ten thousand connections cost a look at the clock.
 */
export class LiveConnections {
  readonly #all = new Set<Entry>();
  readonly #ofUser = new Map<string, Set<Guarded>>();
  /** By the second at which their tokens end. */
  readonly #endingAt = new Map<number, Set<Guarded>>();
  readonly #doubted = new Set<Guarded>();
  readonly #queue = new Set<Guarded>();
  readonly #counts: Record<LiveKind, number> = { websocket: 0, events: 0, stream: 0 };
  #questions = 0;
  #timer: NodeJS.Timeout | undefined;
  #woken: NodeJS.Immediate | undefined;
  #silentSince: number | undefined;
  #closing = false;

  constructor(
    private readonly authenticator: Pick<Authenticator, 'authenticate' | 'recheck' | 'acceptedUntil'>,
    private readonly changes: Changes,
  ) {
    changes.facts.listen({
      event: (_type, { user_id: id }) => this.#doubtOf(typeof id === 'string' ? [id] : this.#ofUser.keys()),
      lost: () => this.#doubtOf(this.#ofUser.keys()),
    });
    const keysChanged = (): void => {
      for (const entries of this.#ofUser.values()) for (const entry of entries) entry.unsigned = true;
      this.#doubtOf(this.#ofUser.keys());
    };
    changes.keys.listen({ event: keysChanged, lost: keysChanged });
  }

  get counts(): Readonly<Record<LiveKind, number>> {
    return this.#counts;
  }

  /**
   * Watches over a connection. Since it was let in, access may have been taken: so it is asked about first.
   *
   * @returns removes it, when it has ended by itself
   */
  add(connection: LiveConnection): () => void {
    const entry: Entry = { ...connection, doubts: 0, askedAt: -Infinity, asking: false, unsigned: false };
    this.#all.add(entry);
    this.#counts[entry.kind] += 1;
    if (this.#closing && entry.kind !== 'stream') this.#end(entry, 'shutdown');
    else if (isGuarded(entry)) this.#guard(entry);
    return () => void this.#remove(entry);
  }

  /** At shutdown: ends what would not end by itself, now and whenever such a one is added. */
  close(): void {
    this.#closing = true;
    for (const entry of [...this.#all]) if (entry.kind !== 'stream') this.#end(entry, 'shutdown');
  }

  #guard(entry: Guarded): void {
    addTo(this.#ofUser, entry.identity.actor.user_id, entry);
    addTo(this.#endingAt, this.authenticator.acceptedUntil(entry.identity), entry);
    this.#timer ??= setInterval(() => this.#tick(), EVERY_MS).unref();
    this.#doubt(entry, performance.now());
    this.#ask();
  }

  #tick(): void {
    const seconds = Date.now() / 1_000;
    for (const [second, entries] of this.#endingAt) {
      if (second <= seconds) for (const entry of entries) this.#end(entry, 'access_token_expired');
    }
    const now = performance.now();
    this.#listenToSilence(now);
    for (const entry of this.#doubted) {
      if (now - (entry.doubtedSince as number) >= DOUBT_MS) this.#end(entry, 'auth_unavailable');
      else if (!entry.asking && now - entry.askedAt >= ASK_AGAIN_MS) this.#queue.add(entry);
    }
    this.#ask();
  }

  /** What is told late is told all the same; only after a while it is asked for. */
  #listenToSilence(now: number): void {
    if (this.changes.facts.fresh) this.#silentSince = undefined;
    else this.#silentSince ??= now;
    if (this.#silentSince === undefined || now - this.#silentSince < ASK_AGAIN_MS) return;
    for (const entries of this.#ofUser.values()) for (const entry of entries) this.#doubt(entry, this.#silentSince);
  }

  #doubtOf(users: Iterable<string>): void {
    const now = performance.now();
    for (const user of users) for (const entry of this.#ofUser.get(user) ?? []) this.#doubtAnew(entry, now);
    // When all have heard of it, also who keeps the facts.
    if (this.#queue.size > 0) this.#woken ??= setImmediate(() => this.#ask());
  }

  #doubtAnew(entry: Guarded, now: number): void {
    entry.doubts += 1;
    this.#doubt(entry, now);
    this.#queue.add(entry);
  }

  #doubt(entry: Guarded, now: number): void {
    if (entry.doubtedSince !== undefined) return;
    entry.doubtedSince = now;
    this.#doubted.add(entry);
    this.#queue.add(entry);
  }

  #ask(): void {
    this.#woken = undefined;
    for (const entry of this.#queue) {
      if (this.#questions >= MOST_QUESTIONS) return;
      // Its answer is on the way, and it is looked at again after that.
      if (entry.asking) continue;
      this.#queue.delete(entry);
      this.#recheck(entry);
    }
  }

  #recheck(entry: Guarded): void {
    const { doubts } = entry;
    const askedAt = (entry.askedAt = performance.now());
    const good = (identity: UserIdentity): void => {
      const code = lessThanTold(entry.identity, identity);
      if (code) this.#end(entry, code);
      else this.#believe(entry, askedAt, doubts);
    };
    try {
      const answer = entry.unsigned
        ? this.#verify(entry)
        : this.authenticator.recheck(entry.identity, entry.requirement);
      if (!(answer instanceof Promise)) return good(answer);
      entry.asking = true;
      this.#questions += 1;
      answer
        .then(good)
        .catch((error: unknown) => this.#refused(entry, error))
        .finally(() => {
          entry.asking = false;
          this.#questions -= 1;
          this.#ask();
        });
    } catch (error) {
      this.#refused(entry, error);
    }
  }

  /** From the beginning, as a request. */
  async #verify(entry: Guarded): Promise<UserIdentity> {
    entry.unsigned = false;
    try {
      return (await this.authenticator.authenticate(entry.credential, entry.requirement)) as UserIdentity;
    } catch (error) {
      entry.unsigned = true;
      throw error;
    }
  }

  /** Access held when it was asked for. */
  #believe(entry: Guarded, askedAt: number, doubts: number): void {
    if (!this.#all.has(entry)) return;
    if (this.changes.facts.fresh && entry.doubts === doubts) {
      entry.doubtedSince = undefined;
      this.#doubted.delete(entry);
    } else entry.doubtedSince = askedAt;
  }

  #refused(entry: Guarded, error: unknown): void {
    const code = error instanceof DomainError ? error.code : 'internal';
    // Whatever keeps the answer away, it is asked again before long.
    if (kindOf(code) === 'refused' || kindOf(code) === 'unauthenticated') this.#end(entry, code);
  }

  #end(entry: Entry, reason: EndReason): void {
    if (this.#remove(entry)) entry.end(reason);
  }

  #remove(entry: Entry): boolean {
    if (!this.#all.delete(entry)) return false;
    this.#counts[entry.kind] -= 1;
    if (!isGuarded(entry)) return true;
    removeFrom(this.#ofUser, entry.identity.actor.user_id, entry);
    removeFrom(this.#endingAt, this.authenticator.acceptedUntil(entry.identity), entry);
    this.#doubted.delete(entry);
    this.#queue.delete(entry);
    if (this.#ofUser.size > 0) return true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#silentSince = undefined;
    return true;
  }
}

function isGuarded(entry: Entry): entry is Guarded {
  return entry.identity?.kind === 'user';
}

/** What a service was told when a connection was opened, it goes on believing: so it must not be more than is true. */
function lessThanTold({ actor: told }: UserIdentity, { actor: now }: UserIdentity): ErrorCode | undefined {
  if (told.role === null || isAtLeast(now.role, told.role)) return undefined;
  return now.role === null ? 'not_a_member' : 'role_required';
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
