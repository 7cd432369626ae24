import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/** Keys of 32 bytes by id. `current` seals; all of them open. Ids have no dot. */
export interface SealingKeys {
  readonly current: { readonly id: string; readonly key: KeyObject };
  get(id: string): KeyObject | undefined;
}

const VERSION = '1';
const INFO = 'puerta-bus-1';
const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** More processes than ever seal at once for one reader. */
const KEPT_KEYS = 1_000;

/**
 * Seals texts so that only holders of the secret read them, and nobody alters one or moves it to where it was not sealed
 * for. AES-256-GCM must never see one nonce twice under one key; so each sealer derives a key of its own from the secret
 * (HKDF-SHA256 over a random salt) and counts. A sealed text is `version.key id.salt.nonce.ciphertext and tag`, the last
 * three in base64url; what stands before the ciphertext is authenticated with it.
 */
export class Sealer {
  private readonly own: KeyObject;
  private readonly head: string;
  private sealed = 0;
  private readonly derived = new Map<string, KeyObject>();

  constructor(private readonly keys: SealingKeys) {
    const salt = randomBytes(SALT_BYTES);
    this.own = derive(keys.current.key, salt);
    this.head = `${VERSION}.${keys.current.id}.${salt.toString('base64url')}`;
  }

  /** @param context what the text is and where it belongs: it opens under the same context only */
  seal(text: string, context: string): string {
    const nonce = Buffer.alloc(NONCE_BYTES);
    // Throws after 2^48 texts, which no process lives to see: a nonce is never used again.
    nonce.writeUIntBE(this.sealed, NONCE_BYTES - 6, 6);
    this.sealed += 1;
    const head = `${this.head}.${nonce.toString('base64url')}`;
    const cipher = createCipheriv(CIPHER, this.own, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(`${head}\n${context}`));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${head}.${body.toString('base64url')}`;
  }

  /** @returns undefined for what was not sealed by a holder of our keys, for this context, exactly so */
  open(sealed: string, context: string): string | undefined {
    const [version, id = '', salt = '', nonce = '', body = '', ...rest] = sealed.split('.');
    const secret = this.keys.get(id);
    if (version !== VERSION || rest.length > 0 || secret === undefined) return undefined;
    const [saltBytes, iv, bytes] = [decode(salt), decode(nonce), decode(body)];
    if (saltBytes?.length !== SALT_BYTES || iv?.length !== NONCE_BYTES || !bytes || bytes.length < TAG_BYTES) return undefined;
    const known = this.derived.get(`${id}.${salt}`);
    const key = known ?? derive(secret, saltBytes);
    const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(`${version}.${id}.${salt}.${nonce}\n${context}`));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    let text: string;
    try {
      text = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
    // Not earlier: whoever writes nonsense must not push out the keys of those who do not.
    if (!known) this.keep(`${id}.${salt}`, key);
    return text;
  }

  private keep(name: string, key: KeyObject): void {
    const [oldest] = this.derived.keys();
    if (this.derived.size >= KEPT_KEYS && oldest !== undefined) this.derived.delete(oldest);
    this.derived.set(name, key);
  }
}

function derive(secret: KeyObject, salt: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, salt, INFO, 32)));
}

/** @returns undefined unless the text is the one base64url form of its bytes */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
