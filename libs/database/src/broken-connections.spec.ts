import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@puerta/contracts/core';
import { createDatabase, type TestDatabase, Wire } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { databaseFailure } from './failures';
import { transaction } from './transaction';

/** How the server says that whoever asks may begin: the last message of a new connection, and after each statement. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** What PostgreSQL sends when somebody ends a connection (`pg_terminate_backend`, a failover). */
const TERMINATED = (() => {
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command', ''];
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''));
  const head = Buffer.from('E\0\0\0\0');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
})();

/** Bytes from one trial to the next. */
const STEP = 8;

let database: TestDatabase;
let wire: Wire;
let dataSource: DataSource | undefined;

beforeAll(async () => {
  database = await createDatabase();
  wire = new Wire(new URL(database.url));
  await wire.open();
});

afterEach(async () => {
  wire.resetAfter(Infinity);
  wire.edit = (piece) => piece;
  await dataSource?.destroy();
  dataSource = undefined;
});

afterAll(async () => {
  await wire.close();
  await database.drop();
});

function sourceOf(poolSize: number, url = wire.through(database.url)): DataSource {
  const applicationName = 'broken-connections';
  return new DataSource(
    dataSourceOptions({ url, schema: 'public', applicationName, entities: [], migrations: [], poolSize }),
  );
}

/** An error event that nobody listens to is an uncaught exception, which fails a test of Jest's, and ends a process. */
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof DomainError ? error.code : databaseFailure(error)),
  );

const fine = async (): Promise<void> => expect(await dataSource?.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);

it('that PostgreSQL ends in the packet that says that it is ready was never asked: not available', async () => {
  dataSource = await sourceOf(4).initialize();
  wire.cut();
  await sleep(20); // The next needs a new connection.
  const ready = new Set<number>();
  wire.edit = (piece, connection) => {
    if (ready.has(connection) || !piece.subarray(-READY.length).equals(READY)) return piece;
    ready.add(connection);
    return Buffer.concat([piece, TERMINATED]);
  };
  expect(await failure(dataSource.query('SELECT 1'))).toBe('service_unavailable');
  expect(await failure(transaction(dataSource, (tx) => tx.query('SELECT 1')))).toBe('service_unavailable');
  expect(ready.size).toBe(2);
  wire.edit = (piece) => piece;
  await fine();
});

it('that PostgreSQL has ended is given to nobody else', async () => {
  dataSource = await sourceOf(1).initialize();
  const ended = failure(dataSource.query('SELECT pg_terminate_backend(pg_backend_pid())'));
  const next = Array.from({ length: 3 }, () => fine());
  expect(await ended).toBe('service_unavailable');
  await Promise.all(next);
});

it('that is reset at whichever byte fails the query that it was made for, and no other', async () => {
  dataSource = await sourceOf(1).initialize();
  wire.cut();
  await sleep(20);
  await fine();
  const all = wire.passed;
  wire.resetAfter(0);
  wire.cut();
  await sleep(20);
  const outcomes: unknown[] = [];
  for (let bytes = 0; bytes < all; bytes += STEP) {
    wire.resetAfter(bytes);
    outcomes.push(await failure(dataSource.query('SELECT 1')));
  }
  wire.resetAfter(Infinity);
  await fine();
  // Nothing was sent before PostgreSQL was ready; what was, it may have done.
  const sent = outcomes.indexOf('outcome_unknown');
  expect(new Set(outcomes.slice(0, sent))).toEqual(new Set(['service_unavailable']));
  expect(new Set(outcomes.slice(sent))).toEqual(new Set(['outcome_unknown']));
  expect(sent).toBeGreaterThan(0.7 * outcomes.length);
});

it('that breaks while the pool closes keeps it from nothing', async () => {
  const closing = await sourceOf(4).initialize();
  const asked = Array.from({ length: 4 }, () => failure(closing.query('SELECT pg_sleep(0.05)')));
  await sleep(20);
  const closed = closing.destroy();
  wire.cut();
  await closed;
  expect(new Set(await Promise.all(asked)).has(undefined)).toBe(false);
});
