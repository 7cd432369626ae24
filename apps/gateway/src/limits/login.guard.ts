import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import { canonicalEmail } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyRequest } from 'fastify';

/**
 * Guesses at one user's password, from wherever they come. Whom a sign-in is about only the body tells, so this limit
 * alone is counted after it was read, by the guard of @nestjs/throttler.
 */
@Injectable()
export class LoginGuard extends ThrottlerGuard {
  /** Without an e-mail there is nobody to guess at; validation refuses the body after us. */
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    return emailOf(context.switchToHttp().getRequest()) === undefined;
  }

  protected override async getTracker(request: Record<string, unknown>): Promise<string> {
    return emailOf(request as unknown as FastifyRequest) ?? '';
  }

  protected override async throwThrottlingException(
    _context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new DomainError('too_many_attempts', { meta: { retry_after: detail.timeToBlockExpire } });
  }
}

/** Written as the field of the form will be, so that no other spelling has a count of its own. */
function emailOf({ body }: FastifyRequest): string | undefined {
  const email: unknown = typeof body === 'object' && body !== null && 'email' in body ? body.email : undefined;
  return typeof email === 'string' ? canonicalEmail(email) : undefined;
}
