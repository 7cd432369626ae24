import { Pool } from 'pg';

type Query = <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** Kept open, as connecting takes longer than most queries; whoever drops a database closes those to it. */
const pools = new Map<string, Pool>();

function poolOf(url: string): Pool {
  let pool = pools.get(url);
  if (!pool) {
    pool = new Pool({ connectionString: url, allowExitOnIdle: true });
    // One that is idle and ends: the next query gets another.
    pool.on('error', () => undefined);
    pools.set(url, pool);
  }
  return pool;
}

async function connected<T>(url: string, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await poolOf(url).connect();
  try {
    return await work(
      async <Row extends object>(sql: string, values: unknown[] = []) =>
        (await client.query(sql, values)).rows as Row[],
    );
  } finally {
    client.release();
  }
}

/** Runs one query as the superuser. */
export function query<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  return connected(url, (run) => run<Row>(sql, values));
}

/** Everything that the services keep, as digests: two of these are equal when nothing was changed in between. */
export function snapshot(url: string): Promise<Record<string, string>> {
  return connected(url, async (run) => {
    const tables = await run<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('identity', 'token_service', 'card_issuer')
          -- What was not told yet comes to rest elsewhere by itself.
          AND tablename <> 'outbox' ORDER BY 1`,
    );
    const digests: Record<string, string> = {};
    for (const { name } of tables) {
      const [row] = await run<{ digest: string }>(
        `SELECT count(*) || ' rows, md5 ' || md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS digest FROM ${name} t`,
      );
      digests[name] = row?.digest ?? '';
    }
    return digests;
  });
}

/** Everything that the services keep, as PostgreSQL shows it: bytes in hexadecimal. */
export function dump(url: string): Promise<string> {
  return connected(url, async (run) => {
    const tables = await run<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('identity', 'token_service', 'card_issuer') ORDER BY 1`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const rows = await run<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      texts.push(name, ...rows.map(({ row }) => row));
    }
    return texts.join('\n');
  });
}
