import type { MigrationInterface, QueryRunner } from 'typeorm';
import { FIRST, foldAnew } from '../cards/search-rules';

/**
 * The words that cards are found by, by new rules. Each batch of cards is a transaction of its own, so that cards are
 * issued and corrected meanwhile, and one that was broken off goes on where it was. The index is made last: then it holds
 * next to nothing, and cards are locked against writing for as long as it takes to read them once. It is not made
 * CONCURRENTLY: that waits for everybody who waits for us to be done with migrating.
 */
export class SearchRules1796000000000 implements MigrationInterface {
  readonly name = 'SearchRules1796000000000';
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    let after: string | undefined = FIRST;
    while (after !== undefined) {
      after = await foldAnew(runner.manager, after);
      // Else whoever writes a card when enough has been collected waits for all of it to get into the index.
      await runner.query(`SELECT gin_clean_pending_list('cards_search_idx')`);
    }
    await runner.query(
      `CREATE INDEX IF NOT EXISTS cards_other_rules_idx ON cards (id) WHERE NOT search_words @> '{" 2"}'::text[]`,
    );
  }

  /** The words stay: most are found by the rules of before, too. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX cards_other_rules_idx');
  }
}
