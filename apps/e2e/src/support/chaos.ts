import type { App, Puerta, RedisServers, Replica, TestPostgres } from '@puerta/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from './random';

type Service = Exclude<App, 'gateway'>;
const SERVICES: readonly [Service, ...Service[]] = ['card-issuer', 'identity', 'token-service'];

/** How many replicas are killed at random times, beside those that end when their services shrink. */
const KILLS = 6;
/** Longer than it takes callers to notice that somebody is gone, shorter than a lease. */
const GONE_MS = 500;

/** Something that is done when so many commands have been answered. */
interface Blow {
  readonly at: number;
  readonly what: string;
  strike(): Promise<void>;
}

/**
 * What happens to an installation while it answers commands: services grow from one replica to three and shrink again,
 * replicas are killed, a Redis hands over to another in one way or another, PostgreSQL goes and comes back.
 */
export class Chaos {
  private readonly blows: Blow[];
  private readonly underWay: Promise<void>[] = [];
  /** One thing at a time is done to a replica. */
  private readonly busy = new Map<Replica, Promise<void>>();

  constructor(
    private readonly puerta: Puerta,
    private readonly redis: RedisServers,
    private readonly postgres: TestPostgres,
    commands: number,
    private readonly random: Random,
  ) {
    const share = (from: number, to: number) => Math.floor(commands * (from + random.next() * (to - from)));
    this.blows = [
      { at: share(0.05, 0.1), what: 'three replicas', strike: () => this.grow() },
      { at: share(0.25, 0.45), what: 'Redis', strike: () => this.replaceRedis() },
      { at: share(0.5, 0.7), what: 'PostgreSQL', strike: () => this.restartPostgres() },
      { at: share(0.75, 0.85), what: 'one replica', strike: () => this.shrink() },
      ...Array.from({ length: KILLS }, () => ({
        at: share(0.02, 0.95),
        what: 'kill',
        strike: () => this.killOne(),
      })),
    ];
    this.blows.sort((a, b) => a.at - b.at);
  }

  /** @param done how many commands have been answered */
  progress(done: number): void {
    while (this.blows[0] && this.blows[0].at <= done) {
      const blow = this.blows.shift();
      if (blow) this.underWay.push(blow.strike());
    }
  }

  /** Resolves when everything has been done and nothing is left broken. */
  async over(): Promise<void> {
    this.progress(Infinity);
    await Promise.all(this.underWay);
  }

  private async grow(): Promise<void> {
    // One after another, as an orchestrator would; all at once they would starve each other.
    for (const n of [1, 2]) for (const app of SERVICES) await this.change(app, n, (replica) => replica.start());
  }

  private async shrink(): Promise<void> {
    const change = (app: Service, n: number) =>
      this.change(app, n, (replica) => (this.random.next() < 0.5 ? replica.stop() : replica.kill()));
    await Promise.all(SERVICES.flatMap((app) => [change(app, 1), change(app, 2)]));
  }

  private async killOne(): Promise<void> {
    const app = this.random.pick<App>([...SERVICES, 'gateway']);
    const running = this.puerta.replicas[app].flatMap((replica, n) => (replica.runs ? [n] : []));
    const [first, ...others] = running;
    if (first === undefined) return;
    await this.change(app, this.random.pick([first, ...others]), async (replica) => {
      if (!replica.runs) return;
      await replica.kill();
      await sleep(GONE_MS);
      await replica.start();
    });
  }

  private async change(app: App, n: number, work: (replica: Replica) => Promise<void>): Promise<void> {
    const replica = this.puerta.replicas[app][n];
    if (!replica) throw new Error(`there is no ${app} ${n}`);
    const before = this.busy.get(replica) ?? Promise.resolve();
    const now = before.then(() => work(replica));
    this.busy.set(replica, now);
    await now;
  }

  private async replaceRedis(): Promise<void> {
    const key = `{${this.random.pick(SERVICES)}}`;
    const primary = await this.redis.primary(key);
    const blow = this.random.pick(['kill', 'freeze', 'hand over']);
    if (blow === 'kill') await primary.kill();
    else if (blow === 'freeze') primary.pause();
    else await this.redis.failover(key);
    await this.redis.successor(primary, key);
    await this.redis.mend();
  }

  private async restartPostgres(): Promise<void> {
    if (this.random.next() < 0.5) await this.postgres.kill();
    else await this.postgres.stop();
    await sleep(GONE_MS);
    await this.postgres.start();
  }
}
