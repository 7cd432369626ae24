import { randomFillSync } from 'node:crypto';

/** Asking for random bytes costs more than any use that is made of them here: they are asked for in stock. */
const stock = Buffer.alloc(4_096);
let used = stock.length;

/** Random bytes, each of which is given out once; to be used before more are asked for. For ids alone, not for secrets. */
export function randomStock(bytes: number): Buffer {
  if (used + bytes > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  used += bytes;
  return stock.subarray(used - bytes, used);
}
