import type { EntityManager } from 'typeorm';

/**
 * The rows that a statement returns. TypeORM answers UPDATE and DELETE with a pair of rows and count, and any other
 * statement with the rows.
 */
export async function rowsOf<Row extends object>(
  em: EntityManager,
  statement: string,
  parameters: readonly unknown[],
): Promise<Row[]> {
  const result = await em.query<Row[] | [Row[], number]>(statement, [...parameters]);
  return Array.isArray(result[0]) ? result[0] : (result as Row[]);
}
