import { MAX_CODE_SECONDS } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import type { Binding, Owner, TokenKey } from './token-key';

/** Most wrong guesses of one guesser at the codes of a subject for a purpose. */
export const MOST_GUESSES = 5;

/** Most of all guessers together: of a million codes, one in 50,000 is guessed so. Who made a code may use it nevertheless. */
export const MOST_GUESSES_TOGETHER = 20;

/** How long they are remembered after the last of them: as long as the longest code lives. */
export const GUESSES_MS = MAX_CODE_SECONDS * 1_000;

/**
 * Under which names wrong guesses are counted. Whom a code is about anybody can say: so each guesser has a count of their own, and
 * by it cannot shut the code for others.
 */
export function guessNames(key: TokenKey, owner: Owner, { purpose, subject }: Binding, guesser: string) {
  return {
    own: key.name('guesses', owner, purpose, subject, guesser),
    together: key.name('guesses', owner, purpose, subject),
  };
}

/** There is something by this name, as long as the code is known, if that user or service made it. */
export function makerName(key: TokenKey, owner: Owner, tokenId: string, maker: string): string {
  return key.name('maker', owner, tokenId, maker);
}

/** @param ms until the guesses are forgotten */
export function tooManyGuesses(ms: unknown): DomainError {
  return new DomainError('too_many_attempts', { meta: { retry_after: Math.max(1, Math.ceil(Number(ms) / 1_000)) } });
}
