import { MAX_CODE_SECONDS } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';

/** Most wrong guesses at the codes of one subject: of a million codes, one in 200,000 is guessed so. */
export const MOST_GUESSES = 5;

/** How long they are remembered after the last of them: as long as the longest code lives. */
export const GUESSES_MS = MAX_CODE_SECONDS * 1_000;

/** @param ms until the guesses are forgotten */
export function tooManyGuesses(ms: unknown): DomainError {
  return new DomainError('too_many_attempts', { meta: { retry_after: Math.max(1, Math.ceil(Number(ms) / 1_000)) } });
}
