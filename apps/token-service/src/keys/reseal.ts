import type { DataSource } from 'typeorm';
import type { KeyCipher } from './key-cipher';

interface SealedKey {
  readonly kid: string;
  readonly sealed: string;
}

/**
 * Seals the private keys again that rest under another encryption key than the first of the list. Each is written only if
 * it is still as it was read: of two replicas at once the second changes nothing.
 * @returns how many it has sealed
 */
export async function reseal(dataSource: DataSource, cipher: KeyCipher): Promise<number> {
  const rows = await dataSource.query<SealedKey[]>(
    `SELECT kid, private_key AS sealed FROM keys WHERE split_part(private_key, '.', 1) <> $1`,
    [cipher.id],
  );
  let count = 0;
  for (const { kid, sealed } of rows) {
    const anew = cipher.seal(kid, cipher.open(kid, sealed));
    const [, changed] = await dataSource.query<[unknown, number]>(
      'UPDATE keys SET private_key = $3 WHERE kid = $1 AND private_key = $2',
      [kid, sealed, anew],
    );
    count += changed;
  }
  return count;
}
