import { toASCII, toUnicode } from 'tr46';

/**
 * One mailbox, one account: how e-mail addresses are compared, kept and shown.
 *
 * Domains are read by tr46 rather than by Node, so that a form that is kept does not depend on which Node, or browser, made
 * it: each has the Unicode of its own release.
 */

/** Most characters of an address (RFC 5321 4.5.3.1.3). */
export const LONGEST_EMAIL = 254;

/** Names of hosts, and nothing else (UTS 46 4: UseSTD3ASCIIRules and the checks of labels; ß and ς stay themselves). */
const DOMAIN = { checkBidi: true, checkHyphens: true, checkJoiners: true, useSTD3ASCIIRules: true };

/** What nobody sees. IDNA drops it, so a domain with some of it is left as it is, for validation to refuse. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** What reads as it is written. Asked first: each message brings the address of its actor, and tr46 takes 20 µs. */
const PLAIN = /^(?!.*xn--)[a-z0-9.-]*$/;

/**
 * The form in which two spellings of one mailbox are the same text: for comparing, counting and finding, never for showing
 * or sending. The domain in ASCII; of the local part NFKC without case. Tags (`ana+news@`) and the dots that some
 * providers ignore are kept: what they mean is each provider's matter.
 *
 * @param text whatever somebody wrote; what is no address gets some form too
 */
export function canonicalEmail(text: string): string {
  const address = partsOf(text);
  if (!address) return text;
  const { local, domain } = address;
  return `${withoutCase(local)}@${asciiDomain(domain) ?? domain.toLowerCase()}`;
}

/** As an address is kept and shown: NFC, in lower case, the domain as people read it. */
export function readableEmail(text: string): string {
  const address = partsOf(text);
  if (!address) return text;
  const { local, domain } = address;
  return `${local.normalize('NFC').toLowerCase()}@${PLAIN.test(domain) ? domain : readableDomain(domain)}`;
}

/** Whether the domain of an address is one that a name server could be asked for. */
export function hasDomain(text: string): boolean {
  const domain = partsOf(text)?.domain;
  return domain !== undefined && asciiDomain(domain) !== null;
}

/**
 * Whether a label of an address is written in scripts that are not written together, like `аna@` with a Cyrillic letter:
 * everything but what UTS 39 5.2 calls highly restrictive. A label is what dots separate, and in the local part a plus.
 *
 * @param address as `readableEmail` gives it, so that a domain in ASCII is judged by what it stands for
 */
export function mixesScripts(address: string): boolean {
  const labels = address.normalize('NFKC').split(/[.@+]/);
  return !labels.every((label) => WRITTEN_TOGETHER.some((scripts) => scripts.test(label)));
}

/** Undefined for what has no two parts, or is so long that making it normal would cost too much. */
function partsOf(text: string): { readonly local: string; readonly domain: string } | undefined {
  const tidy = text.trim();
  const at = tidy.lastIndexOf('@');
  // Composing costs the square of a run of combining marks; nothing of that length gets short enough.
  if (at < 0 || tidy.length > 8 * LONGEST_EMAIL) return undefined;
  return { local: tidy.slice(0, at), domain: tidy.slice(at + 1) };
}

function readableDomain(domain: string): string {
  const read = INVISIBLE.test(domain) ? undefined : toUnicode(domain, DOMAIN);
  return read && !read.error ? read.domain : domain.toLowerCase();
}

function asciiDomain(domain: string): string | null {
  return toASCII(domain, { ...DOMAIN, verifyDNSLength: true });
}

/**
 * Unicode's case folding, which JavaScript lacks, and a little more: upper case joins what lower case keeps apart (ß and ss, ſ
 * and s, ı and i, σ and ς).
 */
function withoutCase(text: string): string {
  return text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}

/** Scripts that somebody writes today: recommended and of limited use (UAX 31, tables 5 and 7). */
const SCRIPTS =
  'Latin Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao ' +
  'Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan ' +
  'Adlam Balinese Bamum Batak Canadian_Aboriginal Chakma Cham Cherokee Javanese Kayah_Li Lepcha Limbu Lisu Mandaic ' +
  'Meetei_Mayek New_Tai_Lue Newa Nko Ol_Chiki Osage Saurashtra Sundanese Syloti_Nagri Syriac Tai_Le Tai_Tham Tai_Viet ' +
  'Tifinagh Vai Yi';

const CHINESE_JAPANESE_KOREAN = ['Latin Han Hiragana Katakana', 'Latin Han Bopomofo', 'Latin Han Hangul'];

const WRITTEN_TOGETHER = [...SCRIPTS.split(' '), ...CHINESE_JAPANESE_KOREAN].map((names) => {
  const scripts = ['Common', 'Inherited', ...names.split(' ')];
  return new RegExp(`^[${scripts.map((name) => `\\p{Script_Extensions=${name}}`).join('')}]*$`, 'u');
});
