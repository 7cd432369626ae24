import { setTimeout as sleep } from 'node:timers/promises';
import { type Redis } from 'ioredis';
import { type BusClient, type BusContext, type BusError, type Lane, LANES, type WireError } from '../src';
import { openReplies } from '../src/wire/envelope';
import { type Bench, eventually, type StartedReplica } from './harness';
import { type Done, type Work } from './sample';
import { type Ending, type Scenario, type Step } from './scenario';

/** How many messages a replica of these scenarios may run at once. */
export const CONCURRENCY: Readonly<Record<Lane, number>> = { fast: 4, heavy: 1 };
const PATTERNS = { fast: 'work.do', heavy: 'work.burn' } as const;
/** A dead replica's messages wait for its lease to lapse, and for somebody who has been there for as long. */
const QUIET_MS = 20_000;

/** A call, and how it ended. */
export interface Asked {
  readonly name: string;
  readonly client: BusClient;
  readonly ttl: number;
  readonly ending: Ending;
  readonly key: string | undefined;
  code: string;
  effect: string | undefined;
  ms: number;
}

/** One run of one message. */
export interface Run {
  readonly message: string;
  readonly call: string;
  readonly replica: Member;
  readonly began: number;
  /** How many ran on this replica in this lane, this one included. */
  readonly atOnce: number;
  readonly lane: Lane;
}

/** A replica, and when it was killed. */
export class Member {
  killed = Infinity;
  readonly running: Record<Lane, number> = { fast: 0, heavy: 0 };
  /** Until it is stopped or killed. */
  started: StartedReplica | undefined;

  constructor(readonly name: string) {}
}

class Refusal extends Error {}

/** Everything that happened, to be judged when it is over. */
export class World {
  readonly calls: Asked[] = [];
  readonly runs: Run[] = [];
  /** What the handlers changed: by idempotency key, else by message, as an inbox keeps it. */
  readonly effects = new Map<string, { readonly name: string; readonly call: string }>();
  /** What was published, and where: message id → channels. */
  readonly answers = new Map<string, Set<string>>();
  /** The longest time for which this very process stood still: nothing can be on time meanwhile. */
  standstill = 0;
  private readonly members: Member[] = [];
  private readonly clients: BusClient[];
  private readonly open: Promise<unknown>[] = [];
  private end: () => void = () => undefined;
  private readonly over = new Promise<void>((resolve) => {
    this.end = resolve;
  });

  /** For people, when something was not as it must be. */
  readonly timeline: string[] = [];

  constructor(
    private readonly bench: Bench,
    private readonly scenario: Scenario,
  ) {
    const { maxStreamLength } = scenario;
    this.clients = [0, 1].map(() => bench.client({ maxStreamLength }));
  }

  async play(): Promise<void> {
    this.watchTime();
    await this.listen();
    await Promise.all(this.clients.map((client) => client.connect()));
    await Promise.all(Array.from({ length: this.scenario.replicas }, () => this.start()));
    await sleep(this.scenario.age);
    for (const step of this.scenario.steps) await this.take(step);
    await Promise.all(this.open);
    if (this.living.length === 0) await this.start();
    await eventually(() => this.isQuiet(), QUIET_MS);
  }

  /** Lets go of what hangs in killed replicas. */
  finish(): void {
    this.end();
  }

  get streams(): string[] {
    return ['tester:fast', 'tester:heavy', 'gateway:fast'].map((name) => this.bench.key(name));
  }

  channelOf(client: BusClient): string {
    return `${this.bench.prefix}:reply:tester:${client.replica}`;
  }

  private get living(): Member[] {
    return this.members.filter((member) => member.started);
  }

  private note(who: string, what: object): void {
    this.timeline.push(`${performance.now().toFixed(1)} ${who} ${JSON.stringify(what)}`);
  }

  private async take(step: Step): Promise<void> {
    this.note('the scenario', step);
    switch (step.do) {
      case 'ask':
        for (let i = 0; i < step.calls; i += 1) this.open.push(this.ask(step));
        return;
      case 'wait':
        return sleep(step.ms);
      case 'start':
        return this.living.length < 4 ? this.start() : undefined;
      case 'stop':
        this.open.push(this.stop(pick(this.living, step.who)));
        return;
      case 'kill':
        return this.kill(pick(this.living, step.who));
      case 'cut':
        return this.cut(
          step.whose === 'client'
            ? connectionsOf(pick(this.clients, step.who))
            : pick(this.living, step.who)?.started?.server.unwrap(),
        );
      case 'empty':
        await this.bench.redis.del(...this.streams, this.bench.key('leases'), this.bench.key('replicas'));
        return;
      case 'junk':
        await this.bench.redis.xadd(this.bench.key('tester:fast'), '*', ...step.fields.flat());
    }
  }

  private async ask({ who, lane, ttl, work, ending, key }: Extract<Step, { do: 'ask' }>): Promise<void> {
    const client = this.clients[who % this.clients.length] as BusClient;
    const call: Asked = {
      name: `call-${this.calls.length}`,
      client,
      ttl,
      ending,
      key,
      code: '',
      effect: undefined,
      ms: 0,
    };
    this.calls.push(call);
    const sent = performance.now();
    const data = { key: call.name, wait_ms: work, text: ending };
    try {
      const target = { service: 'sample', pattern: PATTERNS[lane], lane };
      const answer = (await client.call(target, data, { ttlMs: ttl, idempotencyKey: key })) as Done;
      call.effect = answer.key;
      call.code = 'ok';
    } catch (error) {
      call.code = (error as BusError).code;
    }
    call.ms = performance.now() - sent;
  }

  private async start(): Promise<void> {
    const member = new Member(`replica-${this.members.length}`);
    this.members.push(member);
    const handle = (data: Work, context: BusContext<object>) => this.handle(member, data, context);
    member.started = await this.bench.replica(handle, {
      concurrency: CONCURRENCY,
      encodeError,
      onEvent: (event) => event.type !== 'handled' && this.note(member.name, event),
    });
  }

  private async handle(replica: Member, data: Work, { messageId, pattern, idempotencyKey }: BusContext<object>) {
    const lane = pattern === PATTERNS.heavy ? 'heavy' : 'fast';
    const began = performance.now();
    replica.running[lane] += 1;
    const atOnce = replica.running[lane];
    this.runs.push({ message: messageId, call: data.key, replica, began, atOnce, lane });
    try {
      await sleep(data.wait_ms);
      if (replica.killed < Infinity) await this.over;
      if (data.text === 'refuse') throw new Refusal();
      if (data.text === 'fail') throw new Error('nobody foresaw this');
      return { key: this.effectOf(idempotencyKey ?? messageId, data.key) };
    } finally {
      replica.running[lane] -= 1;
    }
  }

  /** As an inbox does it: the first time makes the effect, each later one is told of it. */
  private effectOf(key: string, call: string): string {
    const known = this.effects.get(key) ?? { name: `effect-${this.effects.size}`, call };
    this.effects.set(key, known);
    return known.name;
  }

  private async stop(member: Member | undefined): Promise<void> {
    const { started } = member ?? {};
    if (!member || !started) return;
    member.started = undefined;
    this.note(member.name, { stopping: true });
    await started.stop();
    this.note(member.name, { stopped: true });
  }

  /** As `kill -9` looks from outside: all its connections end at once, and nothing is heard of it again. */
  private kill(member: Member | undefined): void {
    if (!member?.started) return;
    member.killed = performance.now();
    this.note(member.name, { killed: true });
    for (const redis of member.started.server.unwrap()) {
      redis.disconnect();
      redis.stream?.destroy();
    }
    member.started = undefined;
  }

  private async cut(connections: readonly Redis[] = []): Promise<void> {
    for (const { stream } of connections) {
      const { localAddress, localPort } = stream as Partial<{ localAddress: string; localPort: number }>;
      if (localPort !== undefined)
        await this.bench.redis.client('KILL', 'ADDR', `${localAddress}:${localPort}`).catch(() => undefined);
    }
  }

  private async isQuiet(): Promise<boolean> {
    if (this.living.some(({ running }) => LANES.some((lane) => running[lane] > 0))) return false;
    for (const stream of this.streams) {
      const length = await this.bench.redis.xlen(stream);
      const [pending] = (await this.bench.redis.xpending(stream, 'sample').catch(() => [0])) as [number];
      if (length > 0 || pending > 0) return false;
    }
    return true;
  }

  private async listen(): Promise<void> {
    const ears = this.bench.redis.duplicate();
    this.bench.onClose(async () => ears.disconnect());
    await ears.psubscribe(`${this.bench.prefix}:reply:*`);
    ears.on('pmessage', (_pattern, channel: string, text: string) => {
      const { replies = [] } = openReplies(
        this.bench.sealer,
        { caller: 'tester', replica: channel.split(':').at(-1) ?? '' },
        text,
      );
      for (const { id } of replies) this.answers.set(id, (this.answers.get(id) ?? new Set()).add(channel));
    });
  }

  private watchTime(): void {
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.standstill = Math.max(this.standstill, now - last - 10);
      last = now;
    }, 10);
    this.bench.onClose(async () => clearInterval(timer));
  }
}

function connectionsOf(client: BusClient | undefined): Redis[] {
  const all = [...(client?.['connections'].values() ?? [])];
  return all.flatMap(({ commands, replies }) => [commands.redis, replies.redis]);
}

function encodeError(error: unknown): WireError | undefined {
  return error instanceof Refusal ? { code: 'refused' } : undefined;
}

function pick<T>(from: readonly T[], who: number): T | undefined {
  return from[who % from.length];
}
