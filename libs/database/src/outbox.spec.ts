import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, stopwatch, type TestDatabase, waitFor } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { RelayProcess } from '../test/relay-process';
import { dataSourceOptions } from './data-source-options';
import { runMigrations } from './migrate';
import { outboxState, publish } from './outbox';
import { Outbox1795305600000, OutboxNotify1795996800000 } from './outbox.migration';
import { OutboxRelay, type RelayOptions, type WaitingEvent } from './outbox-relay';
import { transaction } from './transaction';

let database: TestDatabase;
let dataSource: DataSource;
const relays: OutboxRelay<'user.changed'>[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const migrations = [Outbox1795305600000, OutboxNotify1795996800000];
  const common = { url: database.url, schema: 'outbox', applicationName: 'outbox-spec', entities: [], migrations };
  dataSource = new DataSource(dataSourceOptions(common));
  await dataSource.initialize();
  await runMigrations(dataSource);
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop();
  await dataSource.query('TRUNCATE outbox');
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

/** A relay that remembers what it was given, and what went wrong. */
function relay(options: Partial<RelayOptions<'user.changed'>> = {}) {
  const published: string[] = [];
  const errors: unknown[] = [];
  const one = new OutboxRelay(dataSource, {
    types: ['user.changed'],
    deliver: async (events) => {
      published.push(...events.map(({ data }) => String(data.user_id)));
      return events;
    },
    ready: () => true,
    pollMs: 100,
    onError: (error) => errors.push(error),
    ...options,
  });
  relays.push(one);
  one.start();
  return { relay: one, published, errors };
}

const change = (...users: string[]) =>
  transaction(dataSource, async (tx) => {
    for (const user_id of users) await publish(tx, 'user.changed', { user_id });
  });

const rows = async () => (await outboxState(dataSource)).rows;

describe('the outbox', () => {
  it('publishes nothing of a change that was undone', async () => {
    const { published } = relay();
    const undone = transaction(dataSource, async (tx) => {
      await publish(tx, 'user.changed', { user_id: 'undone' });
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    await change('a');
    await waitFor(() => published.length > 0);
    expect(published).toEqual(['a']);
  });

  it('publishes in the order of the changes, right after the commit, and deletes what it published', async () => {
    const { published } = relay();
    const users = Array.from({ length: 250 }, (_, n) => `u${n}`);
    await change(...users);
    await waitFor(() => published.length === users.length);
    expect(published).toEqual(users);
    await waitFor(async () => (await rows()) === 0);
  });

  it('needs no poll for what was changed in this process', async () => {
    const { published } = relay();
    await sleep(150);
    const delays: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      await change(`u${n}`);
      const elapsed = stopwatch();
      await waitFor(() => published.includes(`u${n}`), 1_000, 1);
      delays.push(elapsed());
    }
    expect(delays.sort((a, b) => a - b)[10]).toBeLessThan(50);
  });

  it('needs no poll either for what was written without a transaction', async () => {
    const kinds: string[] = [];
    const deliver = async (events: readonly WaitingEvent<'activity'>[]) => {
      kinds.push(...events.map(({ data }) => data.kind));
      return events;
    };
    const options = {
      types: ['activity'] as const,
      ready: () => true,
      pollMs: 60_000,
      onError: () => undefined,
      deliver,
    };
    const one = new OutboxRelay<'activity'>(dataSource, options);
    one.start();
    try {
      // Its first look is over.
      await sleep(300);
      const about = { id: randomUUID(), at: new Date().toISOString(), subject_id: randomUUID() };
      const who = { actor_user_id: randomUUID(), company_id: null };
      await publish(dataSource.manager, 'activity', { ...about, ...who, kind: 'token.reused' });
      await waitFor(() => kinds.length === 1, 5_000);
    } finally {
      await one.stop();
    }
  });

  it('finds what others have written, soon', async () => {
    const { published } = relay();
    await dataSource.query(`INSERT INTO outbox (type, data) VALUES ('user.changed', '{"user_id":"by hand"}')`);
    await waitFor(() => published.includes('by hand'), 1_000);
  });

  it('is told of what others have written, without a poll, also over a new connection', async () => {
    const { published } = relay({ pollMs: 60_000 });
    const write = (user: string) =>
      dataSource.query(
        `INSERT INTO outbox (type, data) VALUES ('user.changed', jsonb_build_object('user_id', $1::text))`,
        [user],
      );
    await sleep(200);
    await write('by hand');
    await waitFor(() => published.includes('by hand'), 1_000);
    await dataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox-spec' AND pid <> pg_backend_pid()`,
    );
    await change('noticed by itself');
    await waitFor(() => published.includes('noticed by itself'));
    await write('again');
    await waitFor(() => published.includes('again'), 1_000);
  });

  it('shares the work of several relays: each event goes to one of them', async () => {
    const [one, two] = [relay(), relay()];
    for (let n = 0; n < 50; n += 1) await change(`u${n}`);
    await waitFor(async () => (await rows()) === 0);
    const all = [...one.published, ...two.published];
    expect(all).toHaveLength(50);
    expect(new Set(all).size).toBe(50);
  });

  it('tries again what could not be published, until it is', async () => {
    let failing = true;
    const { published, errors } = relay({
      deliver: async (events) => {
        if (failing) throw new Error('Redis is away');
        published.push(...events.map(({ data }) => String(data.user_id)));
        return events;
      },
    });
    await change('a', 'b');
    await waitFor(() => errors.length > 1);
    expect(await rows()).toBe(2);
    failing = false;
    await waitFor(async () => (await rows()) === 0);
    expect(published).toEqual(['a', 'b']);
  });

  it('lets an event that does not get across stand in nobody’s way', async () => {
    const published: string[] = [];
    const refuse = ({ data }: WaitingEvent<'user.changed'>) => data.user_id !== 'bad';
    relay({
      deliver: async (events) => {
        published.push(...events.map(({ data }) => String(data.user_id)));
        return events.filter(refuse);
      },
    });
    await change('bad', 'good');
    await waitFor(async () => (await rows()) === 1);
    await change('next');
    await waitFor(() => published.includes('next'));
    expect(published).toEqual(['bad', 'good', 'next']);
    const [row] = await dataSource.query<[{ due: boolean }]>(
      `SELECT due_at > now() + interval '3 s' AS due FROM outbox`,
    );
    expect(row.due).toBe(true);
  });

  it('leaves events of other kinds to others', async () => {
    const { published } = relay();
    await transaction(dataSource, (tx) => publish(tx, 'keys.rotated', {}));
    await change('a');
    await waitFor(() => published.length > 0);
    expect(await rows()).toBe(1);
  });

  it('publishes what is left when it is stopped', async () => {
    const { relay: one, published } = relay();
    await change('a');
    await one.stop();
    expect(published).toEqual(['a']);
  });

  it('goes on after it could not get a connection, as while PostgreSQL is starting up', async () => {
    const [open, refused] = [
      dataSource.createQueryRunner.bind(dataSource),
      new Error('the database system is starting up'),
    ];
    const starting = jest.spyOn(dataSource, 'createQueryRunner').mockImplementationOnce((mode) => {
      const runner = open(mode);
      return Object.assign(runner, { connect: () => Promise.reject(refused) });
    });
    const { published, errors } = relay();
    starting.mockRestore();
    await change('a');
    await waitFor(() => published.includes('a'));
    expect(errors).toEqual([refused]);
  });

  it('goes on after its connection was lost', async () => {
    const { published } = relay();
    await change('a');
    await waitFor(() => published.includes('a'));
    await dataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox-spec' AND pid <> pg_backend_pid()`,
    );
    await waitFor(() =>
      change('b').then(
        () => true,
        () => false,
      ),
    );
    await waitFor(() => published.includes('b'));
  });

  it('says how much there is to publish, and since when', async () => {
    expect(await outboxState(dataSource)).toEqual({ rows: 0, oldestSeconds: 0 });
    await change('a', 'b');
    await sleep(120);
    const { rows: count, oldestSeconds } = await outboxState(dataSource);
    expect(count).toBe(2);
    expect(oldestSeconds).toBeGreaterThan(0.1);
    expect(oldestSeconds).toBeLessThan(10);
  });
});

describe('a process that is killed', () => {
  const delivering = async () => (await rows()) === 1;

  it('after the commit, before anything was published: another publishes it', async () => {
    const child = await RelayProcess.start(database.url, 'writes only');
    await waitFor(delivering);
    await child.kill();
    const { published } = relay();
    await waitFor(() => published.includes('of the dead'));
  });

  it('while it is publishing, with the row locked: another publishes it, as soon as PostgreSQL lets go', async () => {
    const child = await RelayProcess.start(database.url, 'publishes for ever');
    await waitFor(delivering);
    const { published } = relay();
    await sleep(300);
    expect(published).toEqual([]);
    await child.kill();
    const elapsed = stopwatch();
    await waitFor(() => published.includes('of the dead'));
    expect(elapsed()).toBeLessThan(1_500);
    await waitFor(async () => (await rows()) === 0);
  });
});

describe('that everything is published', () => {
  const asked = (options: Partial<RelayOptions<'user.changed'>> = {}) => {
    const answers: boolean[] = [];
    const round = async (look: () => Promise<number>) => answers.push((await look()) < 100) > 0;
    relay({ round, ...options });
    return answers;
  };

  it('holds when nothing waits', async () => {
    const answers = asked();
    await waitFor(() => answers.length > 2);
    expect(answers).not.toContain(false);
  });

  it('does not hold while another relay, which may be dead and not know it, is at an old event', async () => {
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await change('held');
    await runner.query('SELECT FROM outbox FOR UPDATE');
    await sleep(150);
    const answers = asked();
    await waitFor(() => answers.length > 2);
    expect(answers).not.toContain(true);
    await runner.rollbackTransaction();
    await runner.release();
    await waitFor(() => answers.at(-1));
  });

  it('does not hold when a change was committed late, until it is published', async () => {
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query(`INSERT INTO outbox (type, data) VALUES ('user.changed', '{"user_id":"late"}')`);
    await sleep(150);
    let telling = false;
    const answers = asked({ deliver: async (events) => (telling ? events : []) });
    await waitFor(() => answers.at(-1));
    await runner.commitTransaction();
    await runner.release();
    await waitFor(() => answers.at(-1) === false);
    telling = true;
    await dataSource.query('UPDATE outbox SET due_at = now()');
    await waitFor(() => answers.at(-1));
    expect(await rows()).toBe(0);
  });
});
