import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { canonicalEmail, DEVICE_TOKEN, identityContract } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { InjectConfig } from '@puerta/service/runtime';
import type { FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import type { GatewayConfig } from '../config';
import { type Claim, claim, LOGIN_BY_DEVICE, LOGIN_BY_EMAIL, LOGIN_BY_PAIR } from './limits';
import { networkOf } from './network';
import { RedisLimiter } from './redis-limiter';
import { refuseIfSpent } from './request-limits';

/**
 * Guesses at one user's password. They are counted for whoever guesses: an e-mail is something that a stranger can name, and
 * whoever is counted by it alone can be kept out by strangers. Many guessers together meet a slow limit of the e-mail, which
 * a device passes that has had a session of that account.
 *
 * Whom a login is about only the body tells, so these limits alone are counted after it was read. Each login is charged
 * before the password is looked at, or many at once would all be, and given back when it was right.
 */
@Injectable()
export class LoginLimits implements NestInterceptor {
  constructor(
    private readonly limiter: RedisLimiter,
    @InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>,
    @InjectConfig() private readonly config: GatewayConfig,
  ) {}

  /** @throws DomainError `too_many_attempts`, `service_unavailable` */
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const claims = this.config.GATEWAY_RATE_LIMIT ? await this.claimsOf(request) : [];
    if (claims.length > 0) refuseIfSpent(await this.limiter.take(claims));
    return next.handle().pipe(tap(() => claims.forEach((one) => void this.limiter.giveBack(one))));
  }

  /** Without an e-mail there is nobody to guess at; validation refuses the body after us. */
  private async claimsOf({ body, ip }: FastifyRequest): Promise<Claim[]> {
    const email = textOf(body, 'email');
    if (email === undefined) return [];
    const whose = canonicalEmail(email);
    const device = textOf(body, 'device_token');
    if (device !== undefined && (await this.isKnown(email, device))) return [claim(LOGIN_BY_DEVICE, whose, device)];
    return [claim(LOGIN_BY_PAIR, whose, networkOf(ip)), claim(LOGIN_BY_EMAIL, whose)];
  }

  /** One that cannot be looked at now is not known: it is limited like any other. */
  private async isKnown(email: string, device: string): Promise<boolean> {
    if (!DEVICE_TOKEN.test(device)) return false;
    return this.identity.request('devices.check', { email, device_token: device }).then(
      ({ known }) => known,
      () => false,
    );
  }
}

function textOf(body: unknown, field: string): string | undefined {
  const value: unknown =
    typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined;
  return typeof value === 'string' ? value : undefined;
}
