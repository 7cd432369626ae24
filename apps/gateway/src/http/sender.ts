import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import type { CallOptions } from '@puerta/messaging';
import type { FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';

export const IDEMPOTENCY_HEADER = 'Idempotency-Key';

/** What a service is told of a request besides its data: on whose behalf, and under which key it is asked again. */
export const Sender = createParamDecorator((_: unknown, context: ExecutionContext): CallOptions => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { identity } = requestContextOf(request);
  const actor = identity?.kind === 'user' ? identity.actor : undefined;
  const idempotencyKey = idempotencyKeyOf(request);
  return { ...(actor && { actor }), ...(idempotencyKey !== undefined && { idempotencyKey }) };
});

/** @throws DomainError `validation_failed` for a key that is not 1 to 255 visible ASCII characters. */
function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  // Node joins repeated headers by a comma and a space, which is no visible character.
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const params = { format: '1 to 255 visible ASCII characters' };
  throw new DomainError('validation_failed', { errors: [{ field: IDEMPOTENCY_HEADER, code: 'bad_format', params }] });
}
