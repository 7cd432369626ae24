import { callersOf, LANES, type ServiceContract } from '../wire/contract';
import { Keys } from '../wire/keys';

export interface AclOptions {
  /** Whose rules they are: a caller, a callee, or both. */
  readonly service: string;
  /** Of every service on this bus: they say who may ask whom. */
  readonly contracts: readonly ServiceContract[];
  readonly prefix: string;
  /** Services whose invalidations this one reads. */
  readonly follows?: readonly string[];
  /** Whether it publishes invalidations. */
  readonly publishes?: boolean;
}

/** What a connection needs that touches no key: to be found, kept, named and judged, and to know Redis' time. */
const CONNECTION = '+ping +time +info +select +cluster|slots +client|setname';

/** A reader of lanes that waits for messages is woken by a connection beside it. */
const WAKE = '+client|id +client|unblock';

/** Each command of a script is judged by itself as well. Its keys must be both readable and writable. */
const SCRIPTS = '+evalsha +eval';

const CALLER = `${SCRIPTS} +xadd +xlen +xdel +xpending +xrange +xrevrange`;

/** Not XADD: what stands there was written by its caller. */
const CALLEE =
  '+xreadgroup +xgroup|create +xgroup|delconsumer +xinfo|consumers +xlen +xpending +xrange +xclaim +xack +xdel';

const HEARTBEATS = '+zadd +zrem +zremrangebyscore +zrange +zscore +zcount';

const DEAD_LETTERS = '+xadd +xlen';

const PUBLISHER = '+xadd +xrevrange';

const READER = '+xread +xrevrange';

/**
 * What one service may do in Redis 7: rules for ACL SETUSER after `reset`, each of them one argument. All else is
 * refused: streams, replies and heartbeats of others, patterns of lanes it may not ask in, and all of administration.
 *
 * Commands and keys belong together in selectors, of which one must allow a whole command: so a caller can write to its
 * streams and not read groups there, a callee read groups and not write there, and publish on channels of its callers
 * that it cannot hear.
 */
export function aclRules({ service, contracts, prefix, follows = [], publishes = false }: AclOptions): string[] {
  const keys = new Keys(prefix);
  const asked = streamsOf(contracts, keys, (_, caller) => caller === service);
  const own = streamsOf(contracts, keys, (callee) => callee === service);
  const isCallee = own.length > 0;
  const inbound = own.map(({ key }) => `~${key}`);
  const heartbeats = isCallee ? [`~${keys.replicas(service)}`, `~${keys.leases(service)}`] : [];
  const deadLetters = isCallee ? [`~${keys.dead(service)}`] : [];
  const invalidations = publishes ? [`~${keys.invalidations(service)}`] : [];

  return [
    ...['resetkeys', 'resetchannels', '-@all'],
    ...CONNECTION.split(' '),
    ...(isCallee ? WAKE.split(' ') : []),
    ...selector(
      CALLER,
      asked.map(({ key }) => `~${key}`),
    ),
    ...selector('+zcount', unique(asked.map(({ callee }) => `%R~${keys.replicas(callee)}`))),
    // Its client listens, whomever it may ask.
    ...selector('+subscribe', [`&${keys.replyChannel(service, '*')}`]),
    ...selector(SCRIPTS, [...inbound, ...heartbeats, ...deadLetters, ...invalidations]),
    ...selector(CALLEE, inbound),
    ...selector(HEARTBEATS, heartbeats),
    ...selector(DEAD_LETTERS, deadLetters),
    ...selector('+publish', unique(own.map(({ caller }) => `&${keys.replyChannel(caller, '*')}`))),
    ...selector(PUBLISHER, invalidations),
    ...selector(
      READER,
      follows.map((followed) => `%R~${keys.invalidations(followed)}`),
    ),
  ];
}

interface Stream {
  readonly callee: string;
  readonly caller: string;
  readonly key: string;
}

/** The streams there are between services, of those pairs. */
function streamsOf(
  contracts: readonly ServiceContract[],
  keys: Keys,
  between: (callee: string, caller: string) => boolean,
): Stream[] {
  return contracts.flatMap((contract) =>
    LANES.flatMap((lane) =>
      callersOf(contract, lane)
        .filter((caller) => between(contract.name, caller))
        .map((caller) => ({ callee: contract.name, caller, key: keys.stream(contract.name, caller, lane) })),
    ),
  );
}

const unique = (places: readonly string[]): string[] => [...new Set(places)];

function selector(commands: string, places: readonly string[]): string[] {
  return places.length > 0 ? [`(${commands} ${places.join(' ')})`] : [];
}
