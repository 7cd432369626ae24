import { DomainError } from '@puerta/contracts/core';
import type { FastifyReply } from 'fastify';
import type { Limit } from '../routes/route-options';
import type { Route } from '../routes/routes';
import { claim, claimOfAddress, type Claim } from './limits';
import type { RedisLimiter, Verdict } from './redis-limiter';

export interface RequestLimitsOptions {
  readonly perAddress: number;
  readonly perUser: number;
}

/** What is limited before a body is read: by address, and by user once one is known. */
export class RequestLimits {
  readonly #address: Limit;
  readonly #user: Limit;

  constructor(
    private readonly limiter: RedisLimiter,
    { perAddress, perUser }: RequestLimitsOptions,
  ) {
    this.#address = { name: 'address', count: perAddress, seconds: 60 };
    this.#user = { name: 'user', count: perUser, seconds: 60 };
  }

  /** @throws DomainError `too_many_requests`, `too_many_attempts`, `service_unavailable` or `auth_unavailable` */
  async chargeAddress(address: string, route: Route | undefined, reply: FastifyReply): Promise<void> {
    if (route && !route.limits) return;
    const limits = [this.#address, ...(route?.limits ?? [])];
    await this.#charge(
      limits.map((limit) => claimOfAddress(limit, address)),
      route,
      reply,
    );
  }

  /** @throws DomainError `too_many_requests`, `auth_unavailable` */
  async chargeUser(userId: string, route: Route, reply: FastifyReply): Promise<void> {
    if (route.limits) await this.#charge([claim(this.#user, userId)], route, reply);
  }

  async #charge(claims: readonly Claim[], route: Route | undefined, reply: FastifyReply): Promise<void> {
    const verdicts = await this.limiter.take(claims).catch((cause: unknown) => {
      // Who is limited is part of who may: without the count a guarded route lets nobody in.
      const guarded = route !== undefined && route.requirement.guard !== 'public';
      throw new DomainError(guarded ? 'auth_unavailable' : 'service_unavailable', { cause });
    });
    showLimits(reply, verdicts);
    refuseIfSpent(verdicts);
  }
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-10. */
export function showLimits(reply: FastifyReply, verdicts: readonly Verdict[]): void {
  const policies = verdicts.map(({ claim: { limit } }) => `"${limit.name}";q=${limit.count};w=${limit.seconds}`);
  const states = verdicts.map(({ claim: { limit }, remaining, reset }) => `"${limit.name}";r=${remaining};t=${reset}`);
  append(reply, 'ratelimit-policy', policies);
  append(reply, 'ratelimit', states);
}

function append(reply: FastifyReply, header: string, items: readonly string[]): void {
  const present = reply.getHeader(header);
  reply.header(header, [...(present === undefined ? [] : [String(present)]), ...items].join(', '));
}

/** @throws DomainError `too_many_requests`, or `too_many_attempts` where attempts of their own kind are limited. */
export function refuseIfSpent(verdicts: readonly Verdict[]): void {
  const spent = verdicts.filter(({ admitted }) => !admitted);
  if (spent.length === 0) return;
  const general = spent.some(({ claim: { limit } }) => limit.name === 'address' || limit.name === 'user');
  const retryAfter = Math.max(...spent.map((verdict) => verdict.retryAfter));
  throw new DomainError(general ? 'too_many_requests' : 'too_many_attempts', { meta: { retry_after: retryAfter } });
}
