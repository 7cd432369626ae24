import { type Redis } from 'ioredis';
import { type Lane, LANES } from '../wire/contract';
import { Keys, requireName } from '../wire/keys';
import { fromFields, writtenAt } from '../wire/message';
import { REQUEUE } from '../wire/scripts';

/** A message that was given up, without what it says. */
export interface DeadLetter {
  /** The message's own. */
  readonly id: string;
  readonly pattern: string;
  readonly caller: string;
  readonly lane: Lane;
  /** How often it was given to a replica. */
  readonly deliveries: number;
  /** By Redis' clock, in ms. */
  readonly sentAt: number;
  readonly gaveUpAt: number;
  /** Where it stands among the dead letters. */
  readonly place: string;
}

/** For a message that nobody waits for any more, and that has waited for an operator. */
const NEW_TTL_MS = 60_000;
/** How many fields `DEAD_LETTER` puts in front of the message's own. */
const OWN_FIELDS = 4;

/** The messages that a callee has given up. */
export class DeadLetters {
  private readonly keys: Keys;
  private readonly key: string;

  constructor(
    private readonly redis: Redis,
    prefix: string,
    private readonly callee: string,
  ) {
    this.keys = new Keys(prefix);
    this.key = this.keys.dead(requireName(callee));
  }

  /** The oldest first. */
  async list(): Promise<DeadLetter[]> {
    const entries = await this.redis.xrange(this.key, '-', '+');
    return entries.flatMap(([place, fields]) => letterFrom(place, fields) ?? []);
  }

  /**
   * Puts it back on its stream for a minute: the same message with the same id, so that a callee that remembers ids makes
   * its effect once. Nobody hears the reply.
   *
   * @returns false when it is not there any more
   */
  async retry(letter: DeadLetter): Promise<boolean> {
    const stream = this.keys.stream(this.callee, letter.caller, letter.lane);
    return (await this.redis.eval(REQUEUE.source, 2, this.key, stream, letter.place, NEW_TTL_MS)) === 1;
  }

  /** @returns false when it is not there any more */
  async drop(letter: DeadLetter): Promise<boolean> {
    return (await this.redis.xdel(this.key, letter.place)) === 1;
  }
}

function letterFrom(place: string, fields: readonly string[]): DeadLetter | undefined {
  const [, caller = '', , lane = '', , deliveries = '', , entry = ''] = fields;
  const { id, pattern = '' } = fromFields(fields.slice(2 * OWN_FIELDS));
  if (id === undefined || !isLane(lane)) return undefined;
  const [sentAt, gaveUpAt] = [writtenAt(entry), writtenAt(place)];
  return { id, pattern, caller, lane, deliveries: Number(deliveries), sentAt, gaveUpAt, place };
}

function isLane(text: string): text is Lane {
  return (LANES as readonly string[]).includes(text);
}
