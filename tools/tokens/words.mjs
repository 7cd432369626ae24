// @ts-check
/** Values of tokens as people read them. */

const UNITS = /** @type {const} */ ([['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]]);

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

/** Long, without spaces, and of a token's characters: it may be good for something. */
const SECRET = /^[A-Za-z0-9_\-.~+/=]{40,}$/;

/** @param {unknown} value */
export function shown(value) {
  if (typeof value === 'string') return SECRET.test(value) && !/^https?:\/\//.test(value) ? hidden(value) : value;
  const text = JSON.stringify(value, (_name, one) => (typeof one === 'string' && SECRET.test(one) ? hidden(one) : one)) ?? '';
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/** @param {string} text */
function hidden(text) {
  return `(${text.length} characters, not shown)`;
}
