import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { ensureDatabase, provision } from '../../../tools/embedded/databases.mjs';
import { type DatabaseUrls, newPasswords, OWNERS } from '../../../tools/embedded/services.mjs';
import { createDatabase, startRedis, testDatabaseUrl, waitFor, type TestRedis } from '.';
import { dropTemplate, migratedDatabase } from './migrated-database';

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

describe('a Redis of a suite', () => {
  let redis: TestRedis;
  let client: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => {});
  });

  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  it('refuses whoever does not know the password', async () => {
    const stranger = new Redis(redis.url.replace(/\/\/[^@]*@/, '//'), { lazyConnect: true });
    stranger.on('error', () => {});
    await expect(stranger.ping()).rejects.toThrow('NOAUTH');
    stranger.disconnect();
  });

  it('has its data and its address after a stop and a start', async () => {
    await client.set('kept', 'yes');
    await redis.stop();
    await redis.start();
    expect(await client.get('kept')).toBe('yes');
  });

  it('comes back after kill -9', async () => {
    await redis.kill();
    await redis.start();
    expect(await client.ping()).toBe('PONG');
  });

  it('answers nothing while paused', async () => {
    redis.pause();
    const answer = client.ping();
    expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 150, 'silence'))])).toBe('silence');
    redis.resume();
    expect(await answer).toBe('PONG');
  });
});

describe('the databases of an installation', () => {
  const passwords = newPasswords(OWNERS);

  it('gives each service a schema that the others cannot read', async () => {
    const database = await createDatabase();
    const urls = await provision(database.url, { rolePrefix: database.name, passwords });
    await ask(urls.identity, 'CREATE TABLE secrets AS SELECT 1 AS value');
    expect(await ask(urls.identity, "SELECT schemaname FROM pg_tables WHERE tablename = 'secrets'")).toEqual([
      { schemaname: 'identity' },
    ]);
    await expect(ask(urls['card-issuer'], 'SELECT * FROM identity.secrets')).rejects.toThrow('permission denied');
    await database.drop();
    expect(await ask(testDatabaseUrl(), `SELECT FROM pg_roles WHERE rolname LIKE '${database.name}%'`)).toEqual([]);
  });

  it('can be made twice, and takes new passwords', async () => {
    const database = await createDatabase();
    await provision(database.url, { rolePrefix: database.name, passwords });
    const changed = { ...passwords, identity: "o'ne" };
    const urls = await provision(database.url, { rolePrefix: database.name, passwords: changed });
    expect(await ask(urls.identity, 'SELECT current_schema() AS schema')).toEqual([{ schema: 'identity' }]);
    await database.drop();
  });

  it('serves all services as one user where that user may not create roles', async () => {
    const database = await createDatabase();
    await ask(database.url, `CREATE ROLE ${database.name}_owner LOGIN PASSWORD 'x'`);
    await ask(database.url, `ALTER DATABASE ${database.name} OWNER TO ${database.name}_owner`);
    const plain = new URL(database.url);
    Object.assign(plain, { username: `${database.name}_owner`, password: 'x' });
    const urls = await provision(plain.href, { rolePrefix: database.name, passwords });
    expect(urls.shared).toBe(true);
    expect(await ask(urls['token-service'], 'SELECT current_schema() AS schema')).toEqual([
      { schema: 'token_service' },
    ]);
    await database.drop();
  });

  it('creates roles as a user who may, without being a superuser', async () => {
    const database = await createDatabase();
    const admin = `${database.name}_admin`;
    await ask(database.url, `CREATE ROLE ${admin} LOGIN CREATEROLE PASSWORD 'x'`);
    await ask(database.url, `ALTER DATABASE ${database.name} OWNER TO ${admin}`);
    const url = new URL(database.url);
    Object.assign(url, { username: admin, password: 'x' });
    const urls = await provision(url.href, { rolePrefix: database.name, passwords });
    expect(urls.shared).toBe(false);
    expect(await ask(urls.identity, 'SELECT current_schema() AS schema')).toEqual([{ schema: 'identity' }]);
    await database.drop();
  });

  it('closes a database that it made to everybody else', async () => {
    const database = await createDatabase();
    const name = `${database.name}_own`;
    const url = await ensureDatabase(database.url, name);
    await expect(ensureDatabase(database.url, name)).resolves.toBe(url);
    await ask(database.url, `CREATE ROLE ${database.name}_stranger LOGIN PASSWORD 'x'`);
    const stranger = new URL(url);
    Object.assign(stranger, { username: `${database.name}_stranger`, password: 'x' });
    await expect(ask(stranger.href, 'SELECT 1')).rejects.toThrow('permission denied');
    await ask(database.url, `DROP DATABASE ${name}`);
    await database.drop();
  });
});

describe('a migrated database', () => {
  it('is a copy, of one that was migrated once, whose tables belong to roles of its own', async () => {
    process.env['PUERTA_TEST_RUN'] = `own_${randomBytes(6).toString('hex')}`;
    const migrate = jest.fn(({ identity }: DatabaseUrls) => ask(identity, 'CREATE TABLE people AS SELECT 1 AS id'));
    const copies = await Promise.all([1, 2, 3].map(() => migratedDatabase(testDatabaseUrl(), migrate)));
    expect(migrate).toHaveBeenCalledTimes(1);
    const [[first, urls], [, others]] = copies as [(typeof copies)[0], (typeof copies)[0]];
    await ask(urls.identity, 'ALTER TABLE people ADD COLUMN name text');
    expect(await ask(others.identity, 'SELECT * FROM people')).toEqual([{ id: 1 }]);
    await expect(ask(urls['card-issuer'], 'SELECT * FROM identity.people')).rejects.toThrow('permission denied');
    const stranger = new URL(urls.identity);
    stranger.pathname = new URL(others.identity).pathname;
    await expect(ask(stranger.href, 'SELECT * FROM identity.people')).rejects.toThrow('permission denied');
    await Promise.all(copies.map(([database]) => database.drop()));
    await dropTemplate(testDatabaseUrl());
    const left = `SELECT FROM pg_roles WHERE rolname ~ '${first.name}|${process.env['PUERTA_TEST_RUN']}'`;
    expect(await ask(testDatabaseUrl(), left)).toEqual([]);
  });
});

describe('waitFor', () => {
  it('gives the first truthy answer, whatever failed before', async () => {
    let calls = 0;
    const probe = () => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return calls;
    };
    await expect(waitFor(probe, 1_000, 1)).resolves.toBe(3);
  });

  it('rejects when the time is over, with the last failure', async () => {
    const failure = new Error('never');
    const waiting = waitFor(() => Promise.reject(failure), 20, 1);
    await expect(waiting).rejects.toMatchObject({ cause: failure });
  });
});
