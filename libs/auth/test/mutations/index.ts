import { headers } from './headers';
import type { Live, Parts } from './live';
import { payloads } from './payloads';
import { signatures } from './signatures';
import { bits, characters, encodings, shapes, orphans } from './texts';

/**
 * Other texts than a live token, most of them close to it, that no verifier may take: bits of every part, every
 * character, other encodings, headers that the genuine key has signed, payloads that it has not, other signatures. All
 * but the one that cannot be told from the token itself, (r, n − s) of an ECDSA signature (r, s).
 */
export function mutationsOf(live: Live): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  const parts = live.token.split('.') as unknown as Parts;
  const makers = [bits, characters, encodings, shapes, orphans, headers, payloads, signatures];
  for (const maker of makers) {
    for (const [name, token] of maker(live, parts)) if (token !== live.token) all.set(token, name);
  }
  return all;
}
