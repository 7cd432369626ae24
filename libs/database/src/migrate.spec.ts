import { createDatabase, type TestDatabase } from '@puerta/testing';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { violates } from './failures';
import { runMigrations } from './migrate';

let ran = 0;

class First1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    ran++;
    await runner.query('CREATE TABLE things (id int CONSTRAINT things_pkey PRIMARY KEY)');
    await runner.query('SELECT pg_sleep(0.3)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE things');
  }
}

class Broken1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half (id int)');
    await runner.query('CREATE TABLE things (id int)');
  }
  async down(): Promise<void> {
    return undefined;
  }
}

let database: TestDatabase;
const opened: DataSource[] = [];

beforeAll(async () => (database = await createDatabase()));
afterAll(async () => {
  await Promise.all(opened.map((dataSource) => dataSource.destroy()));
  await database.drop();
});

async function source(
  schema: string,
  migrations: (new () => MigrationInterface)[],
  url = database.url,
): Promise<DataSource> {
  const options = dataSourceOptions({
    url,
    schema,
    applicationName: 'migrate-spec',
    entities: [],
    migrations,
    statementTimeoutMs: 0,
  });
  const dataSource = await new DataSource(options).initialize();
  opened.push(dataSource);
  return dataSource;
}

describe('migrations', () => {
  it('make the schema, run once, and find nothing to do the next time', async () => {
    const dataSource = await source('alpha', [First1700000000000]);
    expect(await runMigrations(dataSource)).toEqual(['First1700000000000']);
    expect(await runMigrations(dataSource)).toEqual([]);
    expect(await dataSource.query('SELECT count(*)::int FROM alpha.things')).toEqual([{ count: 0 }]);
    await dataSource.query('INSERT INTO things VALUES (1)');
    const taken: unknown = await dataSource.query('INSERT INTO things VALUES (1)').catch((error: unknown) => error);
    expect([
      violates(taken, 'things_pkey'),
      violates(taken, 'other'),
      violates(new Error('things_pkey'), 'things_pkey'),
    ]).toEqual([true, false, false]);
  });

  it('of six started at once run once; the others wait and find nothing to do', async () => {
    ran = 0;
    const sources = await Promise.all(Array.from({ length: 6 }, () => source('beta', [First1700000000000])));
    const results = await Promise.all(sources.map(runMigrations));
    expect(results.flat()).toEqual(['First1700000000000']);
    expect(ran).toBe(1);
  });

  it('of two schemas do not wait for each other, and do not see each other', async () => {
    await Promise.all(
      ['gamma', 'delta'].map(async (schema) => runMigrations(await source(schema, [First1700000000000]))),
    );
    const gamma = await source('gamma', []);
    await gamma.query('INSERT INTO things VALUES (7)');
    expect(await (await source('delta', [])).query('SELECT id FROM things')).toEqual([]);
  });

  it('that fail leave nothing of themselves, keep the earlier ones, and let go of the lock', async () => {
    const dataSource = await source('epsilon', [First1700000000000, Broken1700000000001]);
    await expect(runMigrations(dataSource)).rejects.toMatchObject({
      migration: 'Broken1700000000001',
      message: expect.stringContaining('already exists'),
      cause: { driverError: { code: '42P07' } },
    });
    expect(await dataSource.query(`SELECT to_regclass('half') AS half, to_regclass('things')::text AS things`)).toEqual(
      [{ half: null, things: 'things' }],
    );
    expect(await runMigrations(await source('epsilon', [First1700000000000]))).toEqual([]);
  });

  it('run as a role that owns its schema but may not make any', async () => {
    const admin = await source('public', []);
    const role = `limited_${database.name}`;
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; CREATE SCHEMA zeta AUTHORIZATION ${role}`);
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'pw'];
    expect(await runMigrations(await source('zeta', [First1700000000000], url.href))).toEqual(['First1700000000000']);
    const elsewhere = await source('eta', [First1700000000000], url.href);
    await expect(runMigrations(elsewhere)).rejects.toMatchObject({ driverError: { code: '42501' } });
    await Promise.all(opened.splice(-2).map((dataSource) => dataSource.destroy()));
    await admin.query(`DROP SCHEMA zeta CASCADE; DROP ROLE ${role}`);
  });

  it('are for a plain schema name: nothing else gets into SQL', () => {
    for (const schema of ['', 'A', 'a-b', 'a"; DROP', 'a b', '1a']) {
      expect(() =>
        dataSourceOptions({ url: database.url, schema, applicationName: 'x', entities: [], migrations: [] }),
      ).toThrow(TypeError);
    }
  });

  it('never change tables by themselves', () => {
    const options = dataSourceOptions({
      url: database.url,
      schema: 'a',
      applicationName: 'x',
      entities: [],
      migrations: [],
    });
    expect(options).toMatchObject({ synchronize: false, migrationsRun: false });
  });
});
