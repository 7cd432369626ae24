/**
 * Which passwords are guessed first, by rules alone (NIST SP 800-63B 3.1.1.2, ASVS 5 6.2.11). That one is common a list says, which
 * is the identity service's.
 */

export const LEAST_PASSWORD = 10;
export const LONGEST_PASSWORD = 128;

export type PasswordFlaw = 'repetitive' | 'sequential' | 'contains_context';

/** So many different characters must be left of a password when all is taken away that follows from something else. */
const FEWEST = 6;

/** In each installation somebody tries these first. */
const PRODUCT = ['puerta', 'password', 'contraseña'];

/** Neighbours on a keyboard: English, Spanish, German and French. The digits go round. */
const KEYS = [
  'qwertyuiop',
  'asdfghjklñ',
  'zxcvbnm',
  'qwertzuiopü',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  '123456789012',
];
const ROWS = KEYS.flatMap((row) => [foldPassword(row), [...foldPassword(row)].reverse().join('')]);

/** Without case and accents: no such difference makes a password hard to guess. */
export function foldPassword(password: string): string {
  return password.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/**
 * Why a password is easily guessed; undefined if it is not.
 *
 * @param password of at least the least length
 * @param context what whoever guesses knows as well: the name and e-mail of the user, the name of the company
 */
export function passwordFlaw(password: string, context: readonly string[]): PasswordFlaw | undefined {
  const text = foldPassword(password);
  const rest = withoutWords(text, [...PRODUCT, ...context]);
  if (rest !== text && different(withoutRows(withoutRepetition(rest))) < FEWEST) return 'contains_context';
  const once = withoutRepetition(text);
  if (different(once) < FEWEST) return 'repetitive';
  if (different(withoutRows(once)) < FEWEST) return 'sequential';
  return undefined;
}

const different = (text: string): number => new Set(text).size;

/** What is said again and again, once: nothing of it if that is shorter than a password may be. */
function withoutRepetition(text: string): string {
  const [whole = '', part = ''] = /^(.+?)\1+/su.exec(text) ?? [];
  // "abcabcabca" ends within the part that is repeated.
  const repeated = part !== '' && part.startsWith(text.slice(whole.length));
  return repeated && [...part].length < LEAST_PASSWORD ? '' : text;
}

/** Without each character that goes on a row of the alphabet, of numbers or of keys which the two before it began. */
function withoutRows(text: string): string {
  const points = [...text.replace(/(.)\1+/gsu, '$1')];
  return points.filter((_point, at) => at < 2 || !isRow(points.slice(at - 2, at + 1))).join('');
}

function isRow(three: readonly string[]): boolean {
  if (ROWS.some((row) => row.includes(three.join('')))) return true;
  const [a = 0, b = 0, c = 0] = three.map((point) => point.codePointAt(0));
  return b - a === c - b && Math.abs(b - a) === 1;
}

/** Letters and digits that are left when the words of these texts, and the texts themselves, are taken out. */
function withoutWords(text: string, known: readonly string[]): string {
  const words = known.map(foldPassword).flatMap((one) => [one, one.replace(NO_WORD, ''), ...one.split(NO_WORD)]);
  const found = words.filter((word) => word.length >= 3 && text.includes(word)).sort((a, b) => b.length - a.length);
  if (found.length === 0) return text;
  return found.reduce((rest, word) => rest.replaceAll(word, ''), text).replace(NO_WORD, '');
}

const NO_WORD = /[^\p{L}\p{N}]+/gu;
