import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@puerta/contracts/core';
import { createDatabase, stopwatch, type TestDatabase, Wire } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { databaseFailure } from './failures';
import { transaction } from './transaction';

let database: TestDatabase;
let wire: Wire;
let dataSource: DataSource;
const poolErrors: Error[] = [];

beforeAll(async () => {
  database = await createDatabase();
  wire = new Wire(new URL(database.url));
  await wire.open();
  const options = dataSourceOptions({
    url: wire.through(database.url),
    schema: 'public',
    applicationName: 'outages-spec',
    entities: [],
    migrations: [],
    poolSize: 4,
    statementTimeoutMs: 600,
    lockTimeoutMs: 300,
    onPoolError: (error) => poolErrors.push(error),
  });
  // The slack for silence is 5 s; a suite should not wait for that.
  dataSource = new DataSource({ ...options, extra: { ...(options.extra as object), connectionTimeoutMillis: 500 } });
  await dataSource.initialize();
  await dataSource.query('CREATE TABLE notes (id int PRIMARY KEY)');
});

afterAll(async () => {
  await dataSource.destroy();
  await wire.close();
  await database.drop();
});

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof DomainError ? error.code : databaseFailure(error)),
  );

const fine = async (): Promise<void> => expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
const count = async (): Promise<number> => ((await dataSource.query('SELECT id FROM notes')) as unknown[]).length;

describe('a pool', () => {
  it('replaces connections that broke while idle', async () => {
    await Promise.all([fine(), fine(), fine()]);
    wire.cut();
    await sleep(50);
    await fine();
    expect(poolErrors.length).toBeGreaterThan(0);
  });

  it('lets go of idle connections before their silence looks like an outage', async () => {
    await Promise.all([fine(), fine(), fine()]);
    const before = poolErrors.length;
    await sleep(6_500);
    expect(poolErrors.length).toBe(before);
  });

  it('says that PostgreSQL is not there while it restarts, and goes on by itself after', async () => {
    await wire.close();
    await sleep(50);
    expect(await failure(dataSource.query('SELECT 1'))).toBe('service_unavailable');
    expect(await failure(transaction(dataSource, (tx) => tx.query('SELECT 1')))).toBe('service_unavailable');
    await wire.open();
    await fine();
  });

  it('gives a frozen PostgreSQL up in bounded time, and its connections with it', async () => {
    await fine();
    wire.freeze();
    const elapsed = stopwatch();
    const stuck = failure(dataSource.query('SELECT 1'));
    // The pool has one idle connection, which is stuck now; the next need new ones.
    expect(await failure(dataSource.query('SELECT 2'))).toBe('service_unavailable');
    expect(elapsed()).toBeLessThan(2_000);
    expect(await stuck).toBe('outcome_unknown');
    expect(elapsed()).toBeLessThan(8_000);
    wire.thaw();
    await Promise.all([fine(), fine(), fine(), fine(), fine()]);
  });

  it('that is exhausted makes callers wait a bounded time', async () => {
    const held = Array.from({ length: 4 }, () => transaction(dataSource, () => sleep(900)));
    await sleep(50);
    expect(await failure(dataSource.query('SELECT 1'))).toBe('service_unavailable');
    await Promise.all(held);
    await fine();
  });

  it('has statements that run too long cancelled', async () => {
    expect(await failure(dataSource.query('SELECT pg_sleep(5)'))).toBe('overloaded');
    await fine();
  });

  it('has statements that wait too long for a lock cancelled', async () => {
    await dataSource.query('INSERT INTO notes VALUES (100)');
    const holder = transaction(dataSource, async (tx) => {
      await tx.query('SELECT FROM notes WHERE id = 100 FOR UPDATE');
      await sleep(500);
    });
    await sleep(50);
    expect(await failure(dataSource.query('DELETE FROM notes WHERE id = 100'))).toBe('overloaded');
    await holder;
    await dataSource.query('DELETE FROM notes WHERE id = 100');
  });
});

describe('a transaction', () => {
  it('whose connection is lost before its end has surely not happened', async () => {
    const lost = transaction(dataSource, async (tx) => {
      await tx.query('INSERT INTO notes VALUES (1)');
      wire.cut();
      await tx.query('INSERT INTO notes VALUES (2)');
    });
    expect(await failure(lost)).toBe('service_unavailable');
    expect(await count()).toBe(0);
  });

  it('whose connection is lost between its last statement and its end has surely not happened', async () => {
    const lost = transaction(dataSource, async (tx) => {
      await tx.query('INSERT INTO notes VALUES (1)');
      wire.cut();
      await sleep(50);
    });
    expect(await failure(lost)).toBe('service_unavailable');
    expect(await count()).toBe(0);
  });

  it('whose connection is lost while it ends may have happened, and says so', async () => {
    const lost = transaction(dataSource, async (tx) => {
      await tx.query('INSERT INTO notes VALUES (1)');
      // COMMIT arrives, its answer does not come back.
      await tx.query(`
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION slow()`);
      await tx.query('INSERT INTO notes VALUES (3)');
      setTimeout(() => wire.freeze(), 100);
      setTimeout(() => wire.thaw(), 500);
    });
    expect(await failure(lost)).toBe('outcome_unknown');
    expect(await count()).toBe(2);
    await dataSource.query('DROP TRIGGER slow ON notes; DELETE FROM notes');
  });

  it('hands on what its work throws, also when the connection is lost meanwhile', async () => {
    const refused = transaction(dataSource, async () => {
      wire.cut();
      await sleep(20);
      throw new DomainError('email_taken');
    });
    expect(await failure(refused)).toBe('email_taken');
    const bug = new TypeError('a bug');
    await expect(transaction(dataSource, () => Promise.reject(bug))).rejects.toBe(bug);
  });

  it('that is refused at its end by a deferred constraint says which', async () => {
    await dataSource.query(
      'CREATE TABLE links (id int, note int CONSTRAINT links_note_fkey REFERENCES notes DEFERRABLE INITIALLY DEFERRED)',
    );
    const dangling = transaction(dataSource, (tx) => tx.query('INSERT INTO links VALUES (1, 999)'));
    await expect(dangling).rejects.toMatchObject({ driverError: { constraint: 'links_note_fkey' } });
  });
});

describe('an error', () => {
  it('of a bug or of data is no outage', () => {
    for (const error of [
      new TypeError('x'),
      new DomainError('email_taken'),
      undefined,
      'ECONNREFUSED',
      { code: 'ECONNREFUSED' },
    ]) {
      expect(databaseFailure(error)).toBeUndefined();
    }
  });

  it('of several addresses tried is one', () => {
    const refused = (address: string): Error =>
      Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });
    expect(databaseFailure(new AggregateError([refused('::1'), refused('127.0.0.1')]))).toBe('service_unavailable');
  });
});
