import { LRUCache } from 'lru-cache';
import type { KeyStore } from '../keys/key-store';
import { type AccessClaims, TOKEN_KINDS } from '../tokens/token-kinds';
import type { TokenVerifier } from '../tokens/token-verifier';
import { type CacheCounts, count } from './cache-counts';
import { type InvalidationSource, KEPT_MS } from '../invalidations/invalidation-source';

const MOST_TOKENS = 20_000;

interface Kept {
  readonly claims: AccessClaims;
  /** Which keys there were when it was verified. */
  readonly keys: number;
  readonly until: number;
}

/**
 * Access tokens whose form and signature were found good, by their whole text: another spelling of one is another token
 * here. A token dies with the keys: whenever they change, all are verified again.
 */
export class VerifiedTokenCache {
  private readonly kept = new LRUCache<string, Kept>({ max: MOST_TOKENS });

  constructor(
    private readonly verifier: Pick<TokenVerifier<'access'>, 'verify'>,
    private readonly keys: Pick<KeyStore, 'version'>,
    private readonly invalidations: InvalidationSource,
  ) {}

  /** How often something was asked for, and was there or not. */
  readonly counts: CacheCounts = { hits: 0, misses: 0 };

  /** The claims of a token that was verified before and is still good, without computing anything. */
  get(token: string): AccessClaims | undefined {
    const claims = this.find(token);
    count(this.counts, claims);
    return claims;
  }

  private find(token: string): AccessClaims | undefined {
    if (!this.invalidations.fresh) return undefined;
    const kept = this.kept.get(token);
    if (!kept) return undefined;
    if (kept.keys === this.keys.version && performance.now() < kept.until && !hasExpired(kept.claims))
      return kept.claims;
    this.kept.delete(token);
    return undefined;
  }

  /** @throws as `TokenVerifier.verify` */
  async verify(token: string): Promise<AccessClaims> {
    const keys = this.keys.version;
    const claims = await this.verifier.verify(token, 'access');
    this.kept.set(token, { claims, keys, until: performance.now() + KEPT_MS });
    return claims;
  }
}

/** By the same rule as the verifier. */
function hasExpired({ exp }: AccessClaims): boolean {
  return Date.now() >= (exp + TOKEN_KINDS.access.leewaySeconds) * 1_000;
}
