import { type Lane } from './contract';

/** A heartbeat in `replicas` that is younger than this shows one that takes messages. */
export const PRESENCE_MS = 1_500;

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** @throws TypeError when a name could be taken for another part of a key */
export function requireName(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`not a service name: ${JSON.stringify(name)}`);
  return name;
}

/** Redis keys and channels. All keys of one callee carry its hash tag, so that scripts over them run on a Redis Cluster. */
export class Keys {
  constructor(private readonly prefix: string) {}

  /** Messages from one caller to one callee in one lane. */
  stream(callee: string, caller: string, lane: Lane): string {
    return `${this.prefix}:{${callee}}:${caller}:${lane}`;
  }

  /** Sorted set: replicas that take messages, by the time of their last heartbeat. */
  replicas(callee: string): string {
    return `${this.prefix}:{${callee}}:replicas`;
  }

  /** Sorted set: replicas whose messages nobody may claim, by the time of their last heartbeat. Outlives `replicas` while one drains. */
  leases(callee: string): string {
    return `${this.prefix}:{${callee}}:leases`;
  }

  /** Stream: messages that were given to several replicas and got a reply from none of them. */
  dead(callee: string): string {
    return `${this.prefix}:{${callee}}:dead`;
  }

  /** Stream: what a service tells all readers, so that they forget what has changed. */
  invalidations(service: string): string {
    return `${this.prefix}:{${service}}:invalidations`;
  }

  /** Where one replica of a caller hears its replies. */
  replyChannel(caller: string, replica: string): string {
    return `${this.prefix}:reply:${caller}:${replica}`;
  }
}
