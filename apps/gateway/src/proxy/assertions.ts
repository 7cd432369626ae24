import { Inject, Injectable } from '@nestjs/common';
import type { UserIdentity } from '@puerta/auth';
import { DomainError, tokenServiceContract } from '@puerta/contracts';
import { InjectService, type InvalidationSubscriber, invalidationsOfService, ServiceClient } from '@puerta/messaging';
import { LRUCache } from 'lru-cache';

/** An assertion that is sent has this much of its life before it, but for what the clocks of two machines differ. */
const LEAST_LEFT_MS = 15_000;

/** `iat` is the full second before. */
const ROUNDED_MS = 1_000;

/** With what a call waits for its last answer this is less than the second within which a request is told to come again. */
const SIGN_TTL_MS = 700;

const MOST_KEPT = 10_000;

interface Kept {
  readonly token: string;
  /** By `performance.now()`. */
  readonly until: number;
}

/**
 * All assertions that are kept, and all that are being signed. When keys change it is thrown away as a whole: what was
 * asked before is written into what nobody looks at any more.
 */
class Signed {
  readonly kept = new LRUCache<string, Kept>({ max: MOST_KEPT });
  readonly asked = new Map<string, Promise<string>>();
}

/**
 * What `X-Puerta-Assertion` says to services behind the gateway: the facts of the identity headers, signed. One is used
 * again only for the same facts about the same user and session, which each request was found to have anew: so whoever
 * left a company, changed role or was shut out gets none that was made before.
 */
@Injectable()
export class Assertions {
  #signed = new Signed();

  constructor(
    @InjectService(tokenServiceContract) private readonly tokens: ServiceClient<typeof tokenServiceContract>,
    @Inject(invalidationsOfService('token-service'))
    private readonly invalidations: Pick<InvalidationSubscriber, 'listen' | 'fresh'>,
  ) {
    const forget = (): void => void (this.#signed = new Signed());
    // A key that was withdrawn: what it signed is refused from now on.
    invalidations.listen({ event: forget, lost: forget });
  }

  /**
   * @param audience the name of the route's upstream
   * @returns at once where one is kept, for most requests; else when it is signed, once for all who ask for the same
   * @throws DomainError `auth_unavailable` when it cannot be signed
   */
  get({ actor }: UserIdentity, audience: string): string | Promise<string> {
    const key = keyOf(actor, audience);
    const { kept, asked } = this.#signed;
    const known = this.invalidations.fresh ? kept.get(key) : undefined;
    if (known && performance.now() < known.until) return known.token;
    return asked.get(key) ?? this.#sign(key, actor, audience);
  }

  #sign(key: string, actor: UserIdentity['actor'], audience: string): Promise<string> {
    const { kept, asked } = this.#signed;
    const signing = this.#ask(actor, audience)
      .then((made) => {
        kept.set(key, made);
        return made.token;
      })
      .finally(() => asked.delete(key));
    asked.set(key, signing);
    return signing;
  }

  async #ask({ user_id, email, company_id, role }: UserIdentity['actor'], audience: string): Promise<Kept> {
    // From before it was asked: it was signed no earlier.
    const now = performance.now();
    const dto = { audience, user_id, email, company_id, roles: role === null ? [] : [role] };
    try {
      const { token, expires_in } = await this.tokens.request('assertions.issue', dto, { ttlMs: SIGN_TTL_MS });
      return { token, until: now + expires_in * 1_000 - ROUNDED_MS - LEAST_LEFT_MS };
    } catch (error) {
      throw new DomainError('auth_unavailable', { cause: error });
    }
  }
}

/** No two subjects have the same: ids and names hold no space, and what may hold one stands at the end. */
function keyOf({ user_id, session_id, company_id, role, email }: UserIdentity['actor'], audience: string): string {
  return `${audience} ${session_id} ${user_id} ${company_id ?? ''} ${role ?? ''} ${email}`;
}
