import { callersOf, type Lane, LANES, type ServiceContract } from '../wire/contract';
import { Keys, PRESENCE_MS } from '../wire/keys';
import { writtenAt } from '../wire/message';
import { INSPECT, type Script } from '../wire/scripts';

/** How it stands with one stream. */
export interface StreamStatus {
  readonly caller: string;
  readonly lane: Lane;
  /** Messages that no replica has taken. */
  readonly waiting: number;
  /** Messages in the hands of replicas. */
  readonly pending: number;
  /** How long ago the oldest of both was written, in ms; 0 when there is none. */
  readonly oldestMs: number;
  /** How many messages each replica has in hand, by its id. */
  readonly holders: Readonly<Record<string, number>>;
}

/** How it stands with one callee. */
export interface CalleeStatus {
  readonly callee: string;
  /** Replicas that take messages. */
  readonly replicas: number;
  /** How long ago each replica was last heard, in ms, by its id. */
  readonly leases: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  readonly streams: readonly StreamStatus[];
}

type Run = (script: Script, keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;
type Raw = [now: number, dead: number, present: number, leases: string[], ...streams: RawStream[]];
type RawStream = [length: number, pending: number, oldest: string, holders: string[]];

/** Reads how it stands with a callee, in one round trip. @param run runs a script in its Redis */
export async function inspect(run: Run, contract: ServiceContract, prefix: string): Promise<CalleeStatus> {
  const keys = new Keys(prefix);
  const callee = contract.name;
  const sources = LANES.flatMap((lane) => callersOf(contract, lane).map((caller) => ({ caller, lane })));
  const streams = sources.map(({ caller, lane }) => keys.stream(callee, caller, lane));
  const places = [keys.dead(callee), keys.replicas(callee), keys.leases(callee), ...streams];
  const [now, deadLetters, replicas, leases, ...raw] = (await run(INSPECT, places, [callee, PRESENCE_MS])) as Raw;
  return {
    callee,
    replicas,
    leases: Object.fromEntries(pairs(leases).map(([replica, heard]) => [replica, now - heard])),
    deadLetters,
    streams: sources.map((source, i) => statusOf(source, now, raw[i] ?? [0, 0, '', []])),
  };
}

/** Entries leave their stream when they are answered: what is there and in nobody's hands, waits. */
function statusOf(source: { caller: string; lane: Lane }, now: number, raw: RawStream): StreamStatus {
  const [length, pending, oldest, holders] = raw;
  const oldestMs = oldest === '' ? 0 : Math.max(0, now - writtenAt(oldest));
  return {
    ...source,
    waiting: Math.max(0, length - pending),
    pending,
    oldestMs,
    holders: Object.fromEntries(pairs(holders)),
  };
}

function pairs(flat: readonly string[]): [string, number][] {
  return flat.flatMap((name, i): [string, number][] => (i % 2 === 0 ? [[name, Number(flat[i + 1])]] : []));
}
