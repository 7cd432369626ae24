/** What nothing is masked without; nearly all texts are. */
const SUSPECT = /eyj|:\/\/|bearer|basic/i;

/**
 * The last line of defence, for what should not be in a text at all: JSON Web Tokens, the credentials of a URL, bearer
 * credentials. Also bounds the length: a line of a log is no place for a megabyte.
 */
export function mask(text: string, max: number): string {
  const short = text.length > max ? `${text.slice(0, max)}…` : text;
  if (!SUSPECT.test(short)) return short;
  return short
    .replace(/eyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, '[token]')
    .replace(/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]*@/gi, '$1[credentials]@')
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [token]');
}
