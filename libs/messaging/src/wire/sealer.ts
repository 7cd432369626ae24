import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/** Keys of 32 bytes by id. `current` seals; all of them open. Ids have no dot. */
export interface SealingKeys {
  readonly current: { readonly id: string; readonly key: KeyObject };
  get(id: string): KeyObject | undefined;
}

const VERSION = '2';
const INFO = 'puerta-bus-1';
const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const GCM = { authTagLength: TAG_BYTES };
/** More processes than ever seal at once for one reader. */
const KEPT_KEYS = 1_000;

/**
 * Seals texts so that only holders of the secret read them, and nobody alters one or moves it to where it was not sealed
 * for. AES-256-GCM must never see one nonce twice under one key; so each sealer derives a key of its own from the secret
 * (HKDF-SHA256 over a random salt) and counts. A sealed text is `version.key id.salt.body`, of which the body is nonce,
 * ciphertext and tag, and the last two are in base64url; what stands before the body is authenticated with it.
 */
export class Sealer {
  private readonly own: KeyObject;
  private readonly head: string;
  private readonly nonce = Buffer.alloc(NONCE_BYTES);
  private sealed = 0;
  /** By what stands before the body. */
  private readonly derived = new Map<string, KeyObject>();

  constructor(private readonly keys: SealingKeys) {
    const salt = randomBytes(SALT_BYTES);
    this.own = derive(keys.current.key, salt);
    this.head = `${VERSION}.${keys.current.id}.${salt.toString('base64url')}`;
  }

  /** @param context what the text is and where it belongs: it opens under the same context only */
  seal(text: string, context: string): string {
    // Throws after 2^48 texts, which no process lives to see: a nonce is never used again.
    this.nonce.writeUIntBE((this.sealed += 1), NONCE_BYTES - 6, 6);
    const cipher = createCipheriv(CIPHER, this.own, this.nonce, GCM);
    cipher.setAAD(Buffer.from(`${this.head}\n${context}`));
    const body = Buffer.concat([this.nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${this.head}.${body.toString('base64url')}`;
  }

  /** @returns undefined for what was not sealed by a holder of our keys, for this context, exactly so */
  open(sealed: string, context: string): string | undefined {
    const end = sealed.lastIndexOf('.');
    const head = sealed.slice(0, Math.max(0, end));
    const known = this.derived.get(head);
    const key = known ?? this.keyOf(head);
    const body = decode(sealed.slice(end + 1));
    if (!key || !body || body.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, key, body.subarray(0, NONCE_BYTES), GCM);
    decipher.setAAD(Buffer.from(`${head}\n${context}`));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    let text: string;
    try {
      const bytes = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES));
      decipher.final();
      text = bytes.toString('utf8');
    } catch {
      return undefined;
    }
    // Not earlier: whoever writes nonsense must not push out the keys of those who do not.
    if (!known) this.keep(head, key);
    return text;
  }

  private keyOf(head: string): KeyObject | undefined {
    const [version, id = '', salt = '', ...rest] = head.split('.');
    const secret = this.keys.get(id);
    const bytes = decode(salt);
    if (version !== VERSION || rest.length > 0 || !secret || bytes?.length !== SALT_BYTES) return undefined;
    return derive(secret, bytes);
  }

  private keep(head: string, key: KeyObject): void {
    const [oldest] = this.derived.keys();
    if (this.derived.size >= KEPT_KEYS && oldest !== undefined) this.derived.delete(oldest);
    this.derived.set(head, key);
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
