import { createDatabase, type TestDatabase } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options';

const FAILING = [
  ['SELECT count(*)::int AS part FROM later WHERE $1::int > 0', 3, 3],
  ['SELECT 6 / $1::int AS part', 2, 0],
] as const;

describe('a connection', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createDatabase();
    const options = {
      url: database.url,
      schema: 'public',
      applicationName: 'test',
      entities: [],
      migrations: [],
      poolSize: 1,
    };
    dataSource = await new DataSource(dataSourceOptions(options)).initialize();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const prepared = (text: string): Promise<{ times: number }[]> =>
    dataSource.query(
      'SELECT (generic_plans + custom_plans)::int AS times FROM pg_prepared_statements WHERE statement = $1',
      [text],
    );

  it('prepares a statement once and executes it with the values of each time', async () => {
    const text = 'SELECT $1::int + 1 AS next';
    for (let n = 0; n < 3; n += 1) expect(await dataSource.query(text, [n])).toEqual([{ next: n + 1 }]);
    expect(await prepared(text)).toEqual([{ times: 3 }]);
  });

  it('executes a statement again that failed, whether it was read or run', async () => {
    for (const [text, good, bad] of FAILING) {
      await expect(dataSource.query(text, [bad])).rejects.toThrow();
      await dataSource.query('CREATE TABLE IF NOT EXISTS later AS SELECT generate_series(1, 3)');
      expect(await dataSource.query(text, [good])).toEqual([{ part: 3 }]);
    }
  });
});
