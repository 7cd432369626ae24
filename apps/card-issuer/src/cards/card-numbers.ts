import type { EntityManager } from 'typeorm';

/** Serials of a year begin here, so that numbers have five digits until the 90,000th card of a company and year. */
const FIRST_SERIAL = 10_001;

/** `26-10001`: the last two digits of the year, in UTC, and a serial that widens past 99999. */
export function cardNumber(year: number, serial: number): string {
  return `${String(year % 100).padStart(2, '0')}-${String(serial).padStart(5, '0')}`;
}

/**
 * Takes the next serial of a company and year. The counter's row stays locked until the transaction ends: who issues
 * next for this company waits, and a transaction that fails gives its serial back, so that numbers have no gaps.
 */
export async function takeSerial(tx: EntityManager, companyId: string, year: number): Promise<number> {
  const [row] = await tx.query<{ serial: number }[]>(
    `INSERT INTO card_counters AS counter (company_id, year, next) VALUES ($1, $2, $3 + 1)
     ON CONFLICT (company_id, year) DO UPDATE SET next = counter.next + 1
     RETURNING next - 1 AS serial`,
    [companyId, year, FIRST_SERIAL],
  );
  if (!row) throw new Error('the counter answered no serial');
  return row.serial;
}

/**
 * Moves the counter to the first free serial after one whose number was chosen by hand. Only for who holds the counter
 * by `takeSerial` in this transaction. Looks at a thousand numbers a time: an imported block costs few questions.
 */
export async function skipTaken(tx: EntityManager, companyId: string, year: number, taken: number): Promise<number> {
  for (let from = taken + 1; ; from += 1000) {
    const [row] = await tx.query<{ serial: number }[]>(
      `SELECT serial FROM generate_series($3::integer, $3::integer + 999) AS serial
       WHERE NOT EXISTS (SELECT FROM cards WHERE company_id = $1 AND number = $2 || serial)
       ORDER BY serial LIMIT 1`,
      [companyId, cardNumber(year, 0).slice(0, 3), from],
    );
    if (!row) continue;
    await tx.query('UPDATE card_counters SET next = $3 + 1 WHERE company_id = $1 AND year = $2', [
      companyId,
      year,
      row.serial,
    ]);
    return row.serial;
  }
}
