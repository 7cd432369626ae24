import { v7 as uuidv7 } from 'uuid';
import { randomStock } from './random-stock';

/** The correlation id of a request, in every log line and message of it: the caller's, if a short plain word, else a new UUIDv7. */
export function requestId(header?: unknown): string {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header)
    ? header
    : uuidv7({ random: randomStock(16) });
}
