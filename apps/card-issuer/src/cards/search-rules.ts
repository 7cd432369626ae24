import { Pruner } from '@puerta/database';
import type { Provider } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Holder } from '@puerta/contracts';
import { RULES, searchWords } from './card-search';

/** So many cards are one statement, which holds them for some 20 ms. */
const BATCH = 500;

/** As the partial index has it, which finds these. */
const OTHER_RULES = `NOT search_words @> '{"${RULES}"}'::text[]`;

export const FIRST = '00000000-0000-0000-0000-000000000000';

interface Row extends Pick<Holder, 'name' | 'email' | 'document_id'> {
  readonly id: string;
  readonly number: string;
}

/**
 * Makes the search words anew of some cards whose words were made by other rules. Each card is changed only if it is
 * still as it was read: who corrects one meanwhile has made its words.
 *
 * @param after the cards behind this id; those before are not walked through again
 * @returns the last id, for the next call; undefined when none was left
 */
export async function foldAnew(em: EntityManager, after: string): Promise<string | undefined> {
  const rows = await em.query<Row[]>(
    `SELECT id, number, holder_name AS name, holder_email AS email, holder_document_id AS document_id
       FROM cards WHERE ${OTHER_RULES} AND id > $1 ORDER BY id LIMIT ${BATCH}`,
    [after],
  );
  if (rows.length === 0) return undefined;
  const folded = rows.map((row) => ({ ...row, words: searchWords({ number: row.number, holder: row }) }));
  await em.query(
    `UPDATE cards SET search_words = ARRAY(SELECT jsonb_array_elements_text(folded.words))
       FROM jsonb_to_recordset($1) AS folded(id uuid, number text, name text, email text, document_id text, words jsonb)
      WHERE cards.id = folded.id AND ${OTHER_RULES}
        AND (cards.number, holder_name) = (folded.number, folded.name)
        AND (holder_email, holder_document_id) IS NOT DISTINCT FROM (folded.email, folded.document_id)`,
    [JSON.stringify(folded)],
  );
  return rows.at(-1)?.id;
}

/** For what replicas of the release before write while they and this one run side by side. */
export const foldingPruner: Provider = {
  provide: foldAnew,
  inject: [DataSource],
  useFactory: ({ manager }: DataSource) =>
    new Pruner('search words', async () => (await foldAnew(manager, FIRST)) !== undefined),
};
