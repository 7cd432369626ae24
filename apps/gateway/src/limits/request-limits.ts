import type { Identity } from '@puerta/auth';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Limit } from '../routes/route-options';
import type { Route } from '../routes/routes';
import { claim, type Claim } from './limits';
import { networkOf } from './network';
import type { RedisLimiter, Verdict } from './redis-limiter';

export interface RequestLimitsOptions {
  readonly perAddress: number;
  readonly perUser: number;
  readonly perCompany: number;
}

/** Addresses whose network need not be worked out again. */
const MOST_NETWORKS = 10_000;
/** Longer than any address; what is longer is not kept. */
const MOST_CHARACTERS = 64;

/** What is limited before a body is read: by address, and by user and company once they are known. */
export class RequestLimits {
  readonly #address: Limit;
  readonly #user: Limit;
  readonly #company: Limit;
  readonly #networks = new LRUCache<string, string>({ max: MOST_NETWORKS });

  constructor(
    private readonly limiter: RedisLimiter,
    { perAddress, perUser, perCompany }: RequestLimitsOptions,
  ) {
    const aMinute = (name: string, count: number): Limit => ({ name, count, seconds: 60, shared: true });
    this.#address = aMinute('address', perAddress);
    this.#user = aMinute('user', perUser);
    this.#company = aMinute('company', perCompany);
  }

  /**
   * Charges all limits of a request at once: those of its address and, once it is known who asks, of that user and
   * company.
   *
   * @returns a promise where Redis must be asked
   * @throws DomainError `too_many_requests`, `too_many_attempts`, `service_unavailable` or `auth_unavailable`; or rejects
   */
  charge(
    address: string,
    identity: Identity | undefined,
    route: Route | undefined,
    reply: FastifyReply,
  ): void | Promise<void> {
    if (route && !route.limits) return;
    const claims = this.#ofAddress(address, route);
    if (identity?.kind === 'user') this.#addOfUser(claims, identity.actor.user_id, identity.actor.company_id, route);
    const verdicts = this.limiter.takeNow(claims);
    return verdicts ? settle(verdicts, reply) : this.#ask(claims, route, reply);
  }

  /**
   * Refuses whose address is known to be spent, before anything else is looked at. Nothing is charged.
   *
   * @throws DomainError `too_many_requests`
   */
  refuseSpent(address: string, route: Route, reply: FastifyReply): void {
    const spent = route.limits && this.limiter.spent(this.#ofAddress(address, route));
    if (spent) settle(spent, reply);
  }

  async #ask(claims: readonly Claim[], route: Route | undefined, reply: FastifyReply): Promise<void> {
    const verdicts = await this.limiter.take(claims).catch((cause: unknown) => {
      // Who is limited is part of who may: without the count a guarded route lets nobody in.
      const guarded = route !== undefined && route.requirement.guard !== 'public';
      throw new DomainError(guarded ? 'auth_unavailable' : 'service_unavailable', { cause });
    });
    settle(verdicts, reply);
  }

  #ofAddress(address: string, route: Route | undefined): Claim[] {
    const network = this.#networkOf(address);
    const claims = [claim(this.#address, network)];
    for (const limit of route?.limits?.perAddress ?? []) claims.push(claim(limit, network));
    return claims;
  }

  #addOfUser(claims: Claim[], userId: string, companyId: string | null, route: Route | undefined): void {
    claims.push(claim(this.#user, userId));
    for (const limit of route?.limits?.perUser ?? []) claims.push(claim(limit, userId));
    if (companyId === null) return;
    claims.push(claim(this.#company, companyId));
    for (const limit of route?.limits?.perCompany ?? []) claims.push(claim(limit, companyId));
  }

  #networkOf(address: string): string {
    const known = this.#networks.get(address);
    if (known !== undefined) return known;
    const network = networkOf(address);
    if (address.length <= MOST_CHARACTERS) this.#networks.set(address, network);
    return network;
  }
}

/** @throws DomainError as `refuseIfSpent` */
function settle(verdicts: readonly Verdict[], reply: FastifyReply): void {
  showLimits(reply, verdicts);
  refuseIfSpent(verdicts);
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-10. */
function showLimits(reply: FastifyReply, verdicts: readonly Verdict[]): void {
  let policies = '';
  let states = '';
  for (const { claim: one, remaining, reset } of verdicts) {
    const { name, count, seconds } = one.limit;
    const comma = policies === '' ? '' : ', ';
    policies += `${comma}"${name}";q=${count};w=${seconds}`;
    states += `${comma}"${name}";r=${remaining};t=${reset}`;
  }
  reply.header('ratelimit-policy', policies);
  reply.header('ratelimit', states);
}

/** @throws DomainError `too_many_requests`, or `too_many_attempts` where attempts of their own kind are limited. */
export function refuseIfSpent(verdicts: readonly Verdict[]): void {
  if (verdicts.every(({ admitted }) => admitted)) return;
  const spent = verdicts.filter(({ admitted }) => !admitted);
  const general = spent.some(({ claim: { limit } }) => limit.shared);
  const retryAfter = Math.max(...spent.map((verdict) => verdict.retryAfter));
  throw new DomainError(general ? 'too_many_requests' : 'too_many_attempts', { meta: { retry_after: retryAfter } });
}
