import type { CardEntity } from './card.entity';

/**
 * Search words of cards. A card keeps the words that it is found by, folded; a query finds it when each of its words
 * is the beginning of one of them. PostgreSQL compares them as tsvector lexemes, which a GIN index finds by prefix;
 * folding is done here, so that no extension (unaccent) is needed.
 */

/** The words that a card is found by: of its name, number, e-mail and document. */
export function searchWords({ number, holder }: Pick<CardEntity, 'number' | 'holder'>): string[] {
  const name = words(holder.name);
  // "Pérez-García" is found by "garcía" too.
  const partsOfNames = name.flatMap((word) => word.split(/[^\p{L}\p{N}]+/u));
  const all = [
    ...name,
    ...partsOfNames,
    ...words(number),
    ...words(holder.email ?? ''),
    ...words(holder.document_id ?? ''),
  ];
  return [...new Set(all)].filter((word) => word !== '').sort();
}

/**
 * The tsquery for what a person typed, or undefined if it holds no word. Each word is a quoted lexeme: nothing that can
 * be typed is an operator.
 */
export function searchQuery(typed: string): string | undefined {
  const lexemes = words(typed).map((word) => `'${word.replace(/['\\]/g, '$&$&')}':*`);
  return lexemes.length > 0 ? lexemes.join(' & ') : undefined;
}

/**
 * In UTF-16 units, of three bytes in UTF-8 at most: PostgreSQL refuses lexemes of more than 2046 bytes, and folding makes
 * six letters of one ("㌖").
 */
const LONGEST_WORD = 500;

function words(text: string): string[] {
  return fold(text)
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => word.slice(0, LONGEST_WORD));
}

/** Without case and accents: "Ángel" and "angel" are one word. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
