import { HttpException } from '@nestjs/common';
import { DomainError, type ErrorCode } from '@puerta/contracts/core';

/** Errors of Fastify's that a request causes; all others are ours. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_BAD_URL: 'bad_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
};

/** Statuses of Nest's own exceptions, which its router and guards throw. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
  503: 'service_unavailable',
};

/**
 * The error of our closed list that stands for whatever was thrown. What nobody foresaw is `internal`, with the
 * original as its cause, for the log alone.
 */
export function asDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  // Nest hands Fastify's errors on as the cause of an exception of its own.
  const original = thrown instanceof HttpException && thrown.cause ? thrown.cause : thrown;
  const code = FASTIFY_CODES[(original as { code?: string } | null)?.code ?? ''];
  if (code) return new DomainError(code, { cause: original });
  if (thrown instanceof HttpException) {
    return new DomainError(STATUS_CODES[thrown.getStatus()] ?? 'internal', { cause: thrown });
  }
  return new DomainError('internal', { cause: thrown });
}
