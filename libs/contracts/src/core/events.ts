import type { ActivityRecord } from './activity';
import type { ServiceName } from './contract';
import services from './services.json';

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

/** Of services.json, which a test holds against the types here. */
interface Invalidations {
  /** The events after which copies are wrong: they go to an invalidation stream of the service. `activity` is none: identity is called. */
  readonly publishes?: readonly Exclude<EventType, 'activity'>[];
  /** Whose invalidations it reads. A replica of the token service learns so what another one did to the keys. */
  readonly follows?: readonly ServiceName[];
}

function manifestOf(service: string): Invalidations {
  return (services as Partial<Record<string, Invalidations>>)[service] ?? {};
}

/** Which invalidations a service publishes; none unless services.json names them. */
export function invalidationsOf(service: string): readonly EventType[] {
  return manifestOf(service).publishes ?? [];
}

/** The services whose invalidations a service reads; none unless services.json names them. */
export function followedBy(service: string): readonly ServiceName[] {
  return manifestOf(service).follows ?? [];
}
