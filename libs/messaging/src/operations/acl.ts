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
}

/** What a connection needs that touches no key: to be found, kept, named, judged and woken, and to know Redis' time. */
const CONNECTION = [
  ...['+ping', '+time', '+info', '+select', '+cluster|slots'],
  ...['+client|setname', '+client|id', '+client|unblock'],
];

/** For scripts, each command of which is judged by itself as well. Their keys must be both readable and writable. */
const SCRIPTS = '+evalsha +eval';

const CALLER = `${SCRIPTS} +xadd +xlen +xdel +xpending +xrange +xrevrange`;

const CALLEE =
  `${SCRIPTS} +xreadgroup +xgroup|create +xgroup|delconsumer +xinfo|consumers +xinfo|groups +xadd +xlen +xrange ` +
  '+xrevrange +xpending +xclaim +xack +xdel +xtrim +zadd +zrem +zremrangebyscore +zscore +zcount +zrange';

const READER = '+xread +xrange +xrevrange';

/**
 * What one service may do in Redis 7: rules for ACL SETUSER after `reset`, each of them one argument. All else is
 * refused: streams, replies and heartbeats of others, patterns of lanes it may not ask in, and all of administration.
 *
 * Commands and keys belong together in selectors, of which one must allow a whole command: so a caller can write to its
 * streams and not read groups there, and a callee publish on channels of its callers that it cannot hear.
 */
export function aclRules({ service, contracts, prefix, follows = [] }: AclOptions): string[] {
  const keys = new Keys(prefix);
  const lanesOf = (contract: ServiceContract) => LANES.filter((lane) => callersOf(contract, lane).includes(service));
  const asked = contracts.filter((contract) => lanesOf(contract).length > 0);
  const streams = asked.flatMap((contract) =>
    lanesOf(contract).map((lane) => keys.stream(contract.name, service, lane)),
  );
  const own = contracts.filter((contract) => contract.name === service);
  const callers = own.flatMap((contract) => LANES.flatMap((lane) => callersOf(contract, lane)));

  return [
    ...['resetkeys', 'resetchannels', '-@all'],
    ...CONNECTION,
    ...selector(
      CALLER,
      streams.map((stream) => `~${stream}`),
    ),
    ...selector(
      '+zcount',
      asked.map((contract) => `%R~${keys.replicas(contract.name)}`),
    ),
    // Its client listens, whomever it may ask.
    ...selector('+subscribe +unsubscribe', [`&${keys.replyChannel(service, '*')}`]),
    ...selector(CALLEE, callers.length > 0 ? [`~${keys.ofCallee(service)}`] : []),
    ...selector(
      '+publish',
      [...new Set(callers)].map((caller) => `&${keys.replyChannel(caller, '*')}`),
    ),
    ...selector(
      READER,
      follows.map((followed) => `%R~${keys.invalidations(followed)}`),
    ),
  ];
}

function selector(commands: string, places: readonly string[]): string[] {
  return places.length > 0 ? [`(${commands} ${places.join(' ')})`] : [];
}
