import { applyDecorators, HttpCode, SetMetadata, type Type, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { ErrorCode } from '@puerta/contracts/core';
import { CREATED_AT, CreatedInterceptor } from './created.interceptor';

export interface OperationOptions {
  /** What it does, as the title in the documentation. */
  readonly summary: string;
  readonly description?: string;
  /** 200 unless told. */
  readonly status?: 200 | 201 | 202 | 204 | 302;
  /** Class of the answer, for JSON. */
  readonly answer?: Type;
  /** Type of an answer that is not JSON. */
  readonly contentType?: string;
  /** Where what was created is: a path in which `{name}` stands for a field of the answer or a parameter. */
  readonly createdAt?: string;
  /** Errors of this route's own; those that follow from its guard, body and limits are added. */
  readonly problems?: readonly ErrorCode[];
}

const PROBLEMS = 'puerta:problems';

/** Says what a route answers, once for the router and for the documentation. */
export function Operation(options: OperationOptions): MethodDecorator {
  const { summary, description, status = 200, answer, contentType, createdAt, problems = [] } = options;
  return applyDecorators(
    HttpCode(status),
    ApiOperation({ summary, ...(description ? { description } : {}) }),
    ApiResponse({
      status,
      description: DESCRIPTIONS[status],
      ...(answer ? { type: answer } : {}),
      ...(contentType ? { content: { [contentType]: { schema: { type: 'string', format: 'binary' } } } } : {}),
      ...(createdAt ? { headers: { Location: { description: 'Where it is', schema: { type: 'string' } } } } : {}),
      ...(status === 302 ? { headers: { Location: { description: 'Where to go', schema: { type: 'string' } } } } : {}),
    }),
    SetMetadata(PROBLEMS, problems),
    ...(createdAt ? [SetMetadata(CREATED_AT, createdAt), UseInterceptors(CreatedInterceptor)] : []),
  );
}

const DESCRIPTIONS = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted; it is done later',
  204: 'Done; nothing to say',
  302: 'Go there',
} as const;

/** The errors a route declares as its own; undefined for a route without `@Operation`. */
export function problemsOf(handler: object): readonly ErrorCode[] | undefined {
  return Reflect.getMetadata(PROBLEMS, handler) as readonly ErrorCode[] | undefined;
}
