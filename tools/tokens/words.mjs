// @ts-check
/** Values of tokens as people read them. */

const UNITS = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]);

/**
 * @param {number} seconds since 1970
 * @param {number} now in ms
 */
export function inWords(seconds, now = Date.now()) {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) return 'no time that there is';
  const away = Math.round(seconds - now / 1_000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(away) >= length) ?? ['second', 1];
  const count = Math.floor(Math.abs(away) / size);
  const span = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return `${date.toISOString().replace(/\.\d+Z$/, 'Z')}, ${away >= 0 ? `in ${span}` : `${span} ago`}`;
}

/**
 * Long and of a token's characters: it may be good for something, wherever in a text it stands. The scheme and host of an
 * address are told from it: issuers are long too.
 */
const SECRET = /(https?:\/\/[a-z0-9.-]+(?=(?::\d+)?(?:[/?#\s"]|$)))|[A-Za-z0-9_\-.~+/=%]{40,}/g;

/** @param {unknown} value */
export function shown(value) {
  if (typeof value === 'string') return hide(value);
  // The names in it are texts too.
  const text = hide(JSON.stringify(value) ?? '');
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/** @param {string} text */
function hide(text) {
  return text.replace(SECRET, (run, origin) => origin ?? `(${run.length} characters, not shown)`);
}

/** What others wrote must not steer the terminal. @param {string} text */
export function printable(text) {
  return text.replace(/[\p{C}\u2028\u2029]/gu, '?');
}
