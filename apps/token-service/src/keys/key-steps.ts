import { MOST_KEYS, TOKEN_KINDS } from '@puerta/auth';
import { KEYS_MAX_AGE_SECONDS } from '@puerta/contracts';
import type { KeyState, SigningKeyEntity } from './signing-key.entity';

/** What is known of a key without opening it. */
export type KeyFacts = Pick<SigningKeyEntity, 'kid' | 'use' | 'state' | 'stateSince' | 'signedUntil'>;

/** A new key, or another state for one that there is. */
export type KeyStep = { readonly make: 'active' | 'next' } | { readonly key: KeyFacts; readonly to: KeyState };

/** Whoever keeps a set for as long as they may, and got it from one who did so too, knows a key that is this old. */
export const KNOWN_MS = 2 * KEYS_MAX_AGE_SECONDS * 1_000;

/** Beyond its end: the leeway of verifiers, and what the clocks of two machines may differ. */
const AFTERLIFE_MS = TOKEN_KINDS.access.leewaySeconds * 1_000 + 60_000;

const DAY_MS = 86_400_000;

/**
 * What has to be done next with the keys of one use, if anything; again and again, until nothing has. Whatever becomes of
 * a key, there is an active one in the end and a next one: taking the active one away is all that rotation is.
 *
 * @param keys all that are not retired
 */
export function nextStep(keys: readonly KeyFacts[], now: Date, rotationDays: number): KeyStep | undefined {
  const inState = (state: KeyState): KeyFacts | undefined => keys.find((key) => key.state === state);
  const [active, next] = [inState('active'), inState('next')];
  if (!active) return next ? { key: next, to: 'active' } : { make: 'active' };
  if (!next) return { make: 'next' };
  const dead = keys.find((key) => key.state === 'retiring' && livesUntil(key) <= now.getTime());
  if (dead) return { key: dead, to: 'retired' };
  return isOld(active, now, rotationDays) && isKnown(next, now) && !isFull(keys)
    ? { key: active, to: 'retiring' }
    : undefined;
}

function isOld({ stateSince }: KeyFacts, now: Date, rotationDays: number): boolean {
  return stateSince.getTime() + rotationDays * DAY_MS <= now.getTime();
}

/** Whether an old key goes on signing because no more keys can be published. */
export function isHeldUp(keys: readonly KeyFacts[], now: Date, rotationDays: number): boolean {
  return isFull(keys) && keys.some((key) => key.state === 'active' && isOld(key, now, rotationDays));
}

/** Whether all who verify have a key by now, so that it may sign. */
export function isKnown({ stateSince }: KeyFacts, now: Date): boolean {
  return stateSince.getTime() + KNOWN_MS <= now.getTime();
}

/** Whether so many keys are published that verifiers would not read one more. */
export function isFull(keys: readonly KeyFacts[]): boolean {
  return keys.length >= MOST_KEYS;
}

/** How long something that a key signed may be believed. */
export function livesUntil({ signedUntil }: KeyFacts): number {
  return signedUntil ? signedUntil.getTime() + AFTERLIFE_MS : 0;
}
