import type { Holder } from '@puerta/contracts';
import { fold } from './letters';

/**
 * Search words of cards. A card keeps the words that it is found by, folded; a query finds it when each of its words
 * is the beginning of one of them. PostgreSQL compares them as tsvector lexemes, which a GIN index finds by prefix;
 * folding is done here, so that it depends on no extension, version or locale of the server.
 */

/**
 * Among the words of a card, by which rules they were folded. No word begins with a space, so it is found by nobody. Cards
 * without it are folded anew: see search-rules.ts, which has to change with it.
 */
export const RULES = ' 2';

/** What of a card it is found by. */
export interface Searched {
  readonly number: string;
  readonly holder: Pick<Holder, 'name' | 'email' | 'document_id'>;
}

/** A word as it was typed, without what joins its parts: of García-O’Connor… */
interface Word {
  /** garciaoconnor */
  readonly whole: string;
  /** garcia, oconnor */
  readonly names: readonly string[];
  /** garcia, o, connor */
  readonly parts: readonly string[];
}

/** And a minus, and the bullet that looks like one. */
const HYPHENS = /[\p{Pd}\u2212\u2043]+/u;
/** Apostrophes, and whatever is typed for one; points; what is not seen (Persian joins by it). */
const OTHER_JOINERS = /[\p{Cf}'‘’‛‚`′\u02b9-\u02ff\u055a\u05f3.·‧・]+/u;

/** The words that a card is found by: of its name, number, e-mail and document. */
export function searchWords({ number, holder }: Searched): string[] {
  const name = words(holder.name);
  const parts = name.flatMap((word) => word.parts);
  const [numbers, email, document] = [number, holder.email, holder.document_id].map((text) =>
    words(text ?? '').map(({ whole }) => whole),
  );
  const all = [
    ...name.flatMap(({ whole, names }) => [whole, ...names]),
    ...parts,
    ...parts.flatMap((part) => part.split(/[^\p{L}\p{M}\p{N}]+/u)),
    ...(numbers ?? []),
    ...(email ?? []),
    // "V 12.345" is found by "V12345" too, and "V-12345" by "12345".
    ...(document ?? []),
    ...(document ?? []).flatMap((word) => word.match(/\p{N}+/gu) ?? []),
    clip((document ?? []).join('')),
  ];
  return [RULES, ...[...new Set(all)].filter((word) => word !== '').sort()];
}

/**
 * The tsquery for what a person typed, or undefined if it holds no word. Each word is a quoted lexeme: nothing that can
 * be typed is an operator. A name that is joined is also looked for in its parts: "Jean-Luc" finds Jean Luc.
 */
export function searchQuery(typed: string): string | undefined {
  const found = words(typed).map(({ whole, parts }) => {
    const apart = parts.length > 1 && parts.every((part) => /^\p{L}/u.test(part));
    return apart ? `(${lexeme(whole)} | (${parts.map(lexeme).join(' & ')}))` : lexeme(whole);
  });
  return found.length > 0 ? found.join(' & ') : undefined;
}

const lexeme = (word: string): string => `'${word.replace(/['\\]/g, '$&$&')}':*`;

/**
 * In UTF-16 units, of three bytes in UTF-8 at most: PostgreSQL refuses lexemes of more than 2046 bytes, and folding makes
 * six letters of one ("㌖").
 */
const LONGEST_WORD = 500;

const clip = (word: string): string => word.slice(0, LONGEST_WORD);

function words(text: string): Word[] {
  return fold(text)
    .split(/\s+/u)
    .map((word) => word.split(HYPHENS).map((name) => name.split(OTHER_JOINERS).filter((part) => part !== '')))
    .map((names) => names.filter((parts) => parts.length > 0))
    .filter((names) => names.length > 0)
    .map((names) => ({
      whole: clip(names.flat().join('')),
      names: names.map((parts) => clip(parts.join(''))),
      parts: names.flat().map(clip),
    }));
}
