import { DomainError } from '@puerta/contracts/core';
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
