import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { DomainError } from '@puerta/contracts/core';
import { createDatabase, type TestDatabase } from '@puerta/testing';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { type PageRequest, paginate } from './paginate';

@Entity({ name: 'items' })
class Item {
  @PrimaryColumn({ type: 'uuid' })
  id: string;

  @Column({ type: 'text' })
  label: string;
}

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createDatabase();
  const options = dataSourceOptions({
    url: database.url,
    schema: 'public',
    applicationName: 'keyset',
    entities: [Item],
    migrations: [],
  });
  dataSource = await new DataSource(options).initialize();
  await dataSource.query('CREATE TABLE items (id uuid PRIMARY KEY, label text NOT NULL)');
  const rows = Array.from({ length: 45 }, (_, i) => ({ id: randomUUID(), label: `l${i}` }));
  await dataSource.getRepository(Item).insert(rows);
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const page = (request: PageRequest, direction: 'ASC' | 'DESC' = 'DESC', options = {}) => {
  const items = dataSource.getRepository(Item).createQueryBuilder('item');
  return paginate(items, request, 'id', direction, (item) => item.label, options);
};

describe('pages', () => {
  it.each(['ASC', 'DESC'] as const)('hold every row once, in order, to the last page (%s)', async (direction) => {
    const seen: string[] = [];
    let cursor: string | null | undefined;
    let pages = 0;
    do {
      const answer = await page({ limit: 7, cursor: cursor ?? undefined }, direction);
      seen.push(...answer.items);
      cursor = answer.next_cursor;
      pages++;
    } while (cursor !== null);
    const all = await dataSource.getRepository(Item).find({ order: { id: direction } });
    expect(seen).toEqual(all.map((item) => item.label));
    expect(pages).toBe(7);
  });

  it.each(['ASC', 'DESC'] as const)('are the same where no index has their order (%s)', async (direction) => {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const request = { limit: 7, cursor, count: true };
      const answer = await page(request, direction, { whole: true });
      expect(answer).toEqual(await page(request, direction));
      cursor = answer.next_cursor;
    }
  });

  it('have 20 rows unless told, 1 to 100 whatever is told, and no next one when they end exactly', async () => {
    expect((await page({})).items).toHaveLength(20);
    expect((await page({ limit: 0 })).items).toHaveLength(1);
    expect((await page({ limit: 1_000 })).items).toHaveLength(45);
    expect(await page({ limit: 45 })).toMatchObject({ next_cursor: null });
  });

  it('count when asked, all rows and not the rest', async () => {
    const first = await page({ limit: 10, count: true });
    expect(first.total).toBe(45);
    expect(await page({ limit: 10, count: true, cursor: first.next_cursor ?? '' })).toMatchObject({ total: 45 });
    expect(await page({ limit: 10 })).not.toHaveProperty('total');
  });

  it('neither repeat nor miss a row when others come meanwhile', async () => {
    const first = await page({ limit: 10 });
    await dataSource.getRepository(Item).insert({ id: 'ffffffff-ffff-7fff-bfff-ffffffffffff', label: 'newest' });
    const second = await page({ limit: 10, cursor: first.next_cursor ?? '' });
    expect(second.items.some((label) => first.items.includes(label))).toBe(false);
    expect(second.items).not.toContain('newest');
    await dataSource.getRepository(Item).delete({ label: 'newest' });
  });
});

describe('a cursor', () => {
  const id = randomUUID();
  const made = (value: unknown): string => Buffer.from(String(value)).toString('base64url');

  it.each([
    '',
    'x',
    '%%%',
    made('text'),
    made(7),
    made(id.toUpperCase()),
    made(`${id}' OR 1=1`),
    made(`${id}\0`),
    made(`${id}\n`),
    made(JSON.stringify([id])),
    made(id.repeat(20)),
  ])('that we did not make is refused: %s', async (cursor) => {
    await expect(page({ cursor })).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [{ field: 'cursor', code: 'bad_format' }] },
    });
    await expect(page({ cursor })).rejects.toBeInstanceOf(DomainError);
  });
});
