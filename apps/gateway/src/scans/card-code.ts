import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { CARD_CODE, DomainError } from '@puerta/contracts/core';
import type { FastifyRequest } from 'fastify';

/**
 * The code in the address of a scan.
 *
 * @throws DomainError `card_not_found` for what cannot be one: nobody is asked, and the answer is as for any dead code.
 */
export const CardCode = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { code = '' } = context.switchToHttp().getRequest<FastifyRequest<{ Params: { code?: string } }>>().params;
  if (!CARD_CODE.test(code)) throw new DomainError('card_not_found');
  return code;
});
