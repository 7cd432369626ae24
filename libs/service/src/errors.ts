import { DomainError, type ErrorMeta, type FieldError, isErrorCode } from '@puerta/contracts/core';
import { asDomainError } from '@puerta/database';
import type { WireError } from '@puerta/messaging';
import type { Logger } from '@puerta/observability';

/**
 * Gives errors the form in which callers may see them: a refusal by its code, also that of a database that does not
 * serve. Undefined for all others, which the bus logs and answers with `internal`.
 * @param logger told of the causes of refusals, which do not travel
 */
export function errorEncoder(logger: Logger): (thrown: unknown) => WireError | undefined {
  return (thrown) => {
    const error = asDomainError(thrown);
    if (!(error instanceof DomainError)) return undefined;
    const { errors, meta, cause } = error.extra;
    if (cause !== undefined) logger.warn('refused because of another error', { code: error.code, error: cause });
    return { code: error.code, ...(errors && { errors }), ...(meta && { meta }) };
  };
}

/** The error that a caller gets of it. Codes of the bus alone are none of the callers' business. */
export function decodeError(wire: WireError): DomainError {
  if (wire.code === 'message_too_large') return new DomainError('payload_too_large');
  if (!isErrorCode(wire.code))
    return new DomainError('internal', { cause: new Error(`the bus answered ${wire.code}`) });
  const { errors, meta } = wire as { errors?: readonly FieldError[]; meta?: ErrorMeta };
  return new DomainError(wire.code, { ...(errors && { errors }), ...(meta && { meta }) });
}
