import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { items } from './network';
import { isPlaceholder } from './placeholders';
import { type Environment, Unfit, type Variable, variable } from './variable';

const BYTES = 32;
const MAKE_ONE = 'openssl rand -base64 32';

/** The bytes that a secret's text stands for: hex and base64 (url too) are decoded, any other text is taken as it is. */
function decode(text: string): Buffer {
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  const unpadded = text.replace(/={1,2}$/, '');
  // 43 characters are 32 bytes. Other unpadded lengths cannot be told from a pass phrase of letters and digits.
  const encoded = unpadded.length === 43 || (unpadded !== text && text.length % 4 === 0);
  if (encoded && /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)$/.test(unpadded)) return Buffer.from(unpadded, 'base64url');
  return Buffer.from(text, 'utf8');
}

/**
 * The key of a secret: always 32 bytes, fit for AES-256 and HMAC alike. A text that decodes to 32 bytes is the key;
 * a longer one is hashed to it. It is a KeyObject because those show nothing when inspected, logged or serialised.
 */
function keyFrom(text: string): KeyObject {
  const bytes = decode(text);
  requireLong(bytes);
  return createSecretKey(bytes.length === BYTES ? bytes : createHash('sha256').update(bytes).digest());
}

/** A key that is derived of a secret for one use (HKDF, RFC 5869): what it makes is worthless where another is expected. */
export function deriveKey(secret: KeyObject, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', use, BYTES)));
}

function requireLong({ length }: Buffer): void {
  if (length < BYTES) throw new Unfit(`is too short: ${length} bytes instead of at least ${BYTES}`);
}

/** Whether bytes are plainly not random: few different ones, a repeated pattern, or counting up or down. */
function isGuessable(bytes: Buffer): boolean {
  const distinct = new Set(bytes).size;
  if (distinct < 10) return true;
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.subarray(period).equals(bytes.subarray(0, bytes.length - period))) return true;
  }
  const steps = new Map<number, number>();
  for (let i = 1; i < bytes.length; i++) {
    const step = (bytes[i] ?? 0) - (bytes[i - 1] ?? 0);
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  return Math.max(...steps.values()) > bytes.length / 2;
}

function refuseWeak(text: string, environment: Environment): string | undefined {
  if (environment === 'development') return undefined;
  const bytes = decode(text);
  if (isPlaceholder(text) || isPlaceholder(bytes.toString('utf8'))) return 'is a placeholder from documentation';
  return isGuessable(bytes) ? 'is easy to guess' : undefined;
}

/**
 * A secret of at least 32 bytes, as a key of exactly 32 bytes. Outside development, placeholders of documents and texts
 * that are plainly not random are refused.
 */
export function secret(description: string): Variable<KeyObject> {
  return variable(
    description,
    {
      secret: true,
      expected: `at least ${BYTES} random bytes, in base64, base64url or hex, or as a text (make one: ${MAKE_ONE})`,
      refuse: refuseWeak,
    },
    keyFrom,
  );
}

/**
 * A secret that other programs have too, who use its text as it is: the key is the bytes of that text, however it is
 * written, for a key that was decoded from it would be another one than theirs. It has to stand for as many random bytes
 * as every secret, and is no key of another kind, which may well be public.
 */
export function sharedSecret(description: string): Variable<KeyObject> {
  return variable(
    description,
    {
      secret: true,
      expected: `a text of at least ${BYTES} random bytes, whose characters are the key (make one: ${MAKE_ONE})`,
      refuse: refuseWeak,
    },
    (text) => {
      requireLong(decode(text));
      if (isAsymmetric(text)) throw new Unfit('is a public or private key, or a certificate, where a secret belongs');
      return createSecretKey(Buffer.from(text, 'utf8'));
    },
  );
}

/** How keys and certificates begin or what they name where they are text: PEM, JWK, OpenSSH (its binary form too). */
const KEY_TEXT = /-{4,5} ?BEGIN|"kty\\?"|^\s*(?:\0{3}.)?(?:sk-)?(?:ssh|ecdsa)-/;

const KEY_READERS: readonly ((der: Buffer) => unknown)[] = [
  (der) => new X509Certificate(der),
  ...(['spki', 'pkcs1'] as const).map((type) => (key: Buffer) => createPublicKey({ key, format: 'der', type })),
  ...(['pkcs8', 'pkcs1', 'sec1'] as const).map(
    (type) => (key: Buffer) => createPrivateKey({ key, format: 'der', type }),
  ),
];

/** PEM, JWK, OpenSSH or DER: as it is, or in base64 or hex, as such things are put into variables. */
function isAsymmetric(text: string): boolean {
  const forms = [Buffer.from(text), Buffer.from(text, 'base64'), Buffer.from(text.replace(/[\s:]/g, ''), 'hex')];
  return forms.some(
    (bytes) => KEY_TEXT.test(bytes.toString('latin1')) || KEY_READERS.some((read) => reads(read, bytes)),
  );
}

function reads(read: (der: Buffer) => unknown, der: Buffer): boolean {
  try {
    read(der);
    return true;
  } catch {
    return false;
  }
}

/** Keys by id. The first of the list is `current`: it makes new things; the others are for what was made before. */
export class Keyring {
  readonly current: { readonly id: string; readonly key: KeyObject };
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(keys: ReadonlyMap<string, KeyObject>) {
    const [first] = keys;
    if (first === undefined) throw new RangeError('a keyring needs a key');
    this.current = { id: first[0], key: first[1] };
    this.#keys = keys;
  }

  /** The key of that id, or undefined. */
  get(id: string): KeyObject | undefined {
    return this.#keys.get(id);
  }

  /** All ids, the current one first. */
  get ids(): string[] {
    return [...this.#keys.keys()];
  }
}

/** Splits `id:value,…`; values hold no comma (base64 has none). */
function parseKeys(text: string): [id: string, value: string][] {
  const pairs = items(text).map((item): [string, string] => {
    const colon = item.indexOf(':');
    const id = item.slice(0, Math.max(colon, 0));
    if (!/^[a-z0-9]{1,16}$/.test(id)) throw new Unfit('has an item without an id of 1 to 16 small letters or digits');
    return [id, item.slice(colon + 1)];
  });
  const ids = pairs.map(([id]) => id);
  if (new Set(ids).size !== ids.length) throw new Unfit('has the same id twice');
  if (new Set(pairs.map(([, value]) => value)).size !== pairs.length) throw new Unfit('has the same key under two ids');
  return pairs;
}

/** Several secrets with ids, `id:value,…`; the first makes new things. */
export function keyring(description: string): Variable<Keyring> {
  return variable(
    description,
    {
      secret: true,
      expected: `id:key,… with ids of 1 to 16 small letters or digits, each key at least ${BYTES} random bytes`,
      refuse: (text, environment) => {
        for (const [id, value] of parseKeys(text)) {
          const problem = refuseWeak(value, environment);
          if (problem !== undefined) return `has a key (${id}) that ${problem}`;
        }
        return undefined;
      },
    },
    (text) => {
      const keys = parseKeys(text).map(([id, value]): [string, KeyObject] => {
        try {
          return [id, keyFrom(value)];
        } catch (error) {
          throw error instanceof Unfit ? new Unfit(`has a key (${id}) that ${error.message}`) : error;
        }
      });
      return new Keyring(new Map(keys));
    },
  );
}

/** A password of another system. Outside development, placeholders of documents are refused. */
export function password(description: string): Variable<string> {
  return variable(description, { secret: true, expected: 'a password', refuse: refusePlaceholder }, (text) => text);
}

/** What is wrong with a password in this environment, if anything is. */
export function refusePlaceholder(text: string, environment: Environment): string | undefined {
  return environment !== 'development' && isPlaceholder(text) ? 'is a placeholder from documentation' : undefined;
}
