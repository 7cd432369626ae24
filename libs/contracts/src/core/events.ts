import type { ServiceName } from './contract';
import type { ActivityRecord } from './activity';

/**
 * What a service publishes. It leaves by the outbox, in the transaction of the change, at least
 * once, and carries ids alone. A missing id stands for all: whoever keeps copies drops every one.
 */
export interface Events {
  /** Whether a user may sign in, or their e-mail. */
  'user.changed': { readonly user_id?: string };
  /** A session ends, or ends at another time. */
  'session.revoked': { readonly user_id?: string; readonly session_id?: string };
  /** What a user is in a company. */
  'member.changed': { readonly user_id?: string; readonly company_id?: string };
  /** Which public keys there are. */
  'keys.rotated': object;
  /** Somebody did something; for the activity trail. */
  activity: ActivityRecord;
}

export type EventType = keyof Events;

/**
 * The events after which cached copies are wrong: each service publishes its own to an invalidation stream, which others
 * read (`FOLLOWS`). `activity` is none of them: it goes to identity as a call.
 */
export const INVALIDATIONS = {
  identity: ['user.changed', 'session.revoked', 'member.changed'],
  'token-service': ['keys.rotated'],
} as const satisfies Partial<Record<ServiceName, readonly EventType[]>>;

/** Which invalidations a service publishes; none unless it is named above. */
export function invalidationsOf(service: string): readonly EventType[] {
  return Object.hasOwn(INVALIDATIONS, service) ? INVALIDATIONS[service as keyof typeof INVALIDATIONS] : [];
}

/** Whose invalidations each service reads. So a replica of the token service learns what another one did to the keys. */
export const FOLLOWS = {
  gateway: ['identity', 'token-service'],
  'token-service': ['token-service'],
} as const satisfies Partial<Record<ServiceName, readonly (keyof typeof INVALIDATIONS)[]>>;

/** The services whose invalidations a service reads; none unless it is named above. */
export function followedBy(service: string): readonly ServiceName[] {
  return Object.hasOwn(FOLLOWS, service) ? FOLLOWS[service as keyof typeof FOLLOWS] : [];
}
