import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { CARD_CODE } from '@puerta/contracts/core';
import { Metrics } from '@puerta/observability';
import { InjectConfig } from '@puerta/service/runtime';
import type { FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import type { GatewayConfig } from '../config';
import { claimOfAddress, SCAN_MISSES } from '../limits/limits';
import { RedisLimiter } from '../limits/redis-limiter';
import { asDomainError } from '../problems/as-domain-error';

/** `malformed` cannot be a code, so it is nobody's guess: whoever guesses knows the form, which is printed on cards. */
type Outcome = 'opened' | 'missed' | 'malformed' | 'failed';

type ScanRequest = FastifyRequest<{ Params: { code?: string } }>;

/**
 * Tells guesses at card codes from scans. Each scan is charged as a miss before anybody looks, so that guesses made at
 * once are not admitted all together; one that was no miss is given back. And each is counted by its outcome: guesses from
 * many addresses, which no limit meets, show in the misses of the whole installation.
 */
@Injectable()
export class ScanMisses implements NestInterceptor {
  readonly #scans;

  constructor(
    private readonly limiter: RedisLimiter,
    @InjectConfig() private readonly config: GatewayConfig,
    metrics: Metrics,
  ) {
    this.#scans = metrics.counter('puerta_scans_total', 'Card codes that were scanned, by what became of it', [
      'outcome',
    ]);
    for (const outcome of ['opened', 'missed', 'malformed', 'failed'] as const) this.#scans.inc({ outcome }, 0);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<ScanRequest>();
    return next.handle().pipe(
      tap({
        next: () => this.#ended(request, 'opened'),
        error: (error: unknown) => this.#ended(request, outcomeOf(request, error)),
      }),
    );
  }

  #ended({ ip }: ScanRequest, outcome: Outcome): void {
    this.#scans.inc({ outcome });
    const charged = this.config.GATEWAY_RATE_LIMIT;
    const missed = outcome === 'missed' || outcome === 'malformed';
    // Nobody waits for it: the answer does not depend on it.
    if (charged && !missed) void this.limiter.giveBack(claimOfAddress(SCAN_MISSES, ip));
  }
}

function outcomeOf({ params: { code = '' } }: ScanRequest, error: unknown): Outcome {
  if (asDomainError(error).code !== 'card_not_found') return 'failed';
  return CARD_CODE.test(code) ? 'missed' : 'malformed';
}
