import { type CacheCounts, count } from './cache-counts';
import type { AccessFacts, CheckAccessDto } from '@puerta/contracts';
import { LRUCache } from 'lru-cache';
import { type InvalidationSource, KEPT_MS } from '../invalidations/invalidation-source';

/** Asks identity what is true now of the subject of a token. */
export type FactsSource = (subject: CheckAccessDto) => Promise<AccessFacts>;

const MOST_USERS = 10_000;
/** Sessions and companies of one user. */
const MOST_PER_USER = 16;

interface Known {
  readonly facts: AccessFacts;
  readonly until: number;
}

/**
 * All that is cached of a user, and all that is being asked. An invalidation throws it away as a whole: answers to
 * questions that were asked before are written into what nobody looks at any more, and whoever comes after asks anew.
 */
class UserFacts {
  readonly known = new Map<string, Known>();
  readonly asked = new Map<string, Promise<AccessFacts>>();
}

/** What identity has answered, for as long as it surely is still so. Only that somebody may: refusals are asked again. */
export class AccessFactsCache {
  private readonly users = new LRUCache<string, UserFacts>({ max: MOST_USERS });

  constructor(
    private readonly source: FactsSource,
    private readonly invalidations: InvalidationSource,
  ) {
    invalidations.listen({
      event: (_type, { user_id: userId }) => this.forget(userId),
      lost: () => this.users.clear(),
    });
  }

  /** How often something was asked for, and was there or not. */
  readonly counts: CacheCounts = { hits: 0, misses: 0 };

  /** From the cache, without asking anybody. */
  get({ user_id, ...subject }: CheckAccessDto): AccessFacts | undefined {
    const known = this.invalidations.fresh ? this.users.get(user_id)?.known.get(keyOf(subject)) : undefined;
    const facts = known && performance.now() < known.until ? known.facts : undefined;
    count(this.counts, facts);
    return facts;
  }

  /** Asks, together with who asks the same at the moment. */
  async ask(subject: CheckAccessDto): Promise<AccessFacts> {
    if (!this.invalidations.fresh) return this.source(subject);
    const user = this.userOf(subject.user_id);
    const key = keyOf(subject);
    const asked = user.asked.get(key) ?? this.question(user, key, subject);
    user.asked.set(key, asked);
    return asked;
  }

  /** Of one user, or of all. */
  forget(userId: unknown): void {
    if (typeof userId === 'string') this.users.delete(userId);
    else this.users.clear();
  }

  private async question(user: UserFacts, key: string, subject: CheckAccessDto): Promise<AccessFacts> {
    // From before it was asked: the session ends no later than the answer says.
    const now = performance.now();
    try {
      const facts = await this.source(subject);
      if (facts.user === 'active' && facts.session === 'active') keep(user, key, facts, now);
      return facts;
    } finally {
      user.asked.delete(key);
    }
  }

  private userOf(id: string): UserFacts {
    const known = this.users.get(id);
    if (known) return known;
    const user = new UserFacts();
    this.users.set(id, user);
    return user;
  }
}

function keep({ known }: UserFacts, key: string, facts: AccessFacts, now: number): void {
  const until = now + Math.min(facts.ends_in_ms ?? 0, KEPT_MS);
  known.delete(key);
  known.set(key, { facts, until });
  const [oldest] = known.keys();
  if (known.size > MOST_PER_USER && oldest !== undefined) known.delete(oldest);
}

function keyOf({ session_id, company_id }: Omit<CheckAccessDto, 'user_id'>): string {
  return company_id ? session_id + company_id : session_id;
}
