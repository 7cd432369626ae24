import { DomainError, type ErrorMeta, type FieldError, isErrorCode } from '@puerta/contracts/core';
import type { WireError } from '@puerta/messaging';

/** The error that a caller gets of it. Codes of the bus alone are none of the callers' business. */
export function decodeError(wire: WireError): DomainError {
  if (wire.code === 'message_too_large') return new DomainError('payload_too_large');
  if (!isErrorCode(wire.code))
    return new DomainError('internal', { cause: new Error(`the bus answered ${wire.code}`) });
  const { errors, meta } = wire as { errors?: readonly FieldError[]; meta?: ErrorMeta };
  return new DomainError(wire.code, { ...(errors && { errors }), ...(meta && { meta }) });
}
