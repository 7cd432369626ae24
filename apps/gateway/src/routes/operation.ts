import { applyDecorators, HttpCode, SetMetadata, type Type, UseInterceptors } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiResponse, type ApiResponseOptions, getSchemaPath } from '@nestjs/swagger';
import type { ErrorCode } from '@puerta/contracts/core';
import { CREATED_AT, CreatedInterceptor } from './created.interceptor';

/** Methods of requests whose first answer is kept under their key. */
const IDEMPOTENT_BY_KEY: readonly string[] = ['POST', 'PATCH', 'DELETE'];

export interface OperationOptions {
  /** What it does, as the title in the documentation. */
  readonly summary: string;
  readonly description?: string;
  /** 200 unless told. */
  readonly status?: 200 | 201 | 202 | 204 | 302;
  /** Class of the answer, for JSON. */
  readonly answer?: Type;
  /** Type of the answer, where that is not `application/json`. */
  readonly contentType?: string;
  /** Where what was created is: a path in which `{name}` stands for a field of the answer or a parameter. */
  readonly createdAt?: string;
  /** The answer has an ETag, and 304 says that who asks has it already. */
  readonly revalidates?: true;
  /** Why an Idempotency-Key means nothing to a route that changes something. */
  readonly ignoresKey?: string;
  /** Errors of this route's own; those that follow from its guard, body and limits are added. */
  readonly problems?: readonly ErrorCode[];
}

const OPERATION = 'puerta:operation';

/** Says what a route answers, once for the router and for the documentation. Callers know it by the name of the method. */
export function Operation(options: OperationOptions): MethodDecorator {
  const { summary, description, ignoresKey, status = 200, answer, createdAt } = options;
  const texts = [description, ignoresKey].filter((text) => text !== undefined);
  return applyDecorators(
    HttpCode(status),
    ApiOperation({ summary, ...(texts.length > 0 ? { description: texts.join('\n\n') } : {}) }),
    ...(answer ? [ApiExtraModels(answer)] : []),
    ApiResponse({ status, description: DESCRIPTIONS[status], ...contentOf(options) } as ApiResponseOptions),
    SetMetadata(OPERATION, options),
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

const SVG = { schema: { type: 'string', example: '<svg xmlns="http://www.w3.org/2000/svg"></svg>' } };

function contentOf({ answer, contentType = 'application/json' }: OperationOptions): { content?: object } {
  if (answer) return { content: { [contentType]: { schema: { $ref: getSchemaPath(answer) } } } };
  if (contentType === 'application/json') return {};
  // What is no text has no schema: so generators make bytes of it (OpenAPI 3.1, 4.8.14.2).
  return { content: { [contentType]: contentType.endsWith('svg+xml') ? SVG : {} } };
}

/** What a route says of itself; undefined for one without `@Operation`, which is no part of the API. */
export function operationOf(handler: object): OperationOptions | undefined {
  return Reflect.getMetadata(OPERATION, handler) as OperationOptions | undefined;
}

/** Whether the first answer of a route is kept under an Idempotency-Key. */
export function takesKey(method: string, handler: object): boolean {
  return IDEMPOTENT_BY_KEY.includes(method) && operationOf(handler)?.ignoresKey === undefined;
}
