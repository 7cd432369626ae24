import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { deriveKey, type Keyring } from '@puerta/config';
import { SINGLE_USE_TOKEN } from '@puerta/contracts';

const EXPIRY_BYTES = 6;
const RANDOM_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
/** 128 bits: nobody finds two of the same, nor one for a given text. */
const NAME_BYTES = 16;

/** Whose tokens: with another owner none of them is found, nor even recognised. */
export interface Owner {
  /** The service that asks. */
  readonly space: string;
  /** The company or user on whose behalf it asks, or the service itself. */
  readonly id: string;
}

export interface Binding {
  readonly purpose: string | null;
  readonly subject: string | null;
}

/** What somebody shows: a token, or a code, which is one only together with what it is bound to. */
export type Shown = { readonly token: string } | ({ readonly code: string } & Binding);

type Part = string | null;

type NamedThing = 'record' | 'guesses' | 'maker' | 'binding' | 'consumer' | 'call' | 'request';

/**
 * All that is derived of one key of the ring. Whatever Redis keeps is a keyed hash, or sealed under a key that also needs
 * what was shown: a copy of Redis finds nothing, and reads nothing, even with a token at hand and without this key.
 */
export class TokenKey {
  readonly #key: KeyObject;

  constructor(secret: KeyObject) {
    this.#key = deriveKey(secret, 'puerta-single-use-1');
  }

  /** A token: when it expires in ms, 256 random bits, and a tag that only we can make, and only for this owner. */
  newToken(owner: Owner, expiresAt: number): string {
    const body = Buffer.concat([Buffer.alloc(EXPIRY_BYTES), randomBytes(RANDOM_BYTES)]);
    body.writeUIntBE(expiresAt, 0, EXPIRY_BYTES);
    return Buffer.concat([body, this.#tag(owner, body)]).toString('base64url');
  }

  /** When a token expires, in ms; undefined for what this key did not make for this owner. */
  expiryOf(owner: Owner, token: string): number | undefined {
    if (!SINGLE_USE_TOKEN.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(0, -TAG_BYTES);
    return timingSafeEqual(this.#tag(owner, body), bytes.subarray(-TAG_BYTES))
      ? body.readUIntBE(0, EXPIRY_BYTES)
      : undefined;
  }

  /** Names a token to people and logs: a UUID of version 8, so that the activity trail can name it too. */
  tokenId(owner: Owner, shown: Shown): string {
    const bytes = this.#mac('id', owner, ...partsOf(shown)).subarray(0, NAME_BYTES);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    return bytes.toString('base64url');
  }

  /** What a thing that Redis must not know is called there: a record of a token, a count of guesses, … */
  name(what: NamedThing, owner: Owner, ...parts: readonly Part[]): string {
    return this.#mac(what, owner, ...parts)
      .subarray(0, NAME_BYTES)
      .toString('base64url');
  }

  /** Random bits that are always the same for the same parts. */
  bits(owner: Owner, ...parts: readonly Part[]): Buffer {
    return this.#mac('bits', owner, ...parts);
  }

  /** @param parts what must be known, besides this key, to open it: AES-256-GCM under a key of its own */
  seal(text: string, owner: Owner, ...parts: readonly Part[]): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#mac('seal', owner, ...parts), nonce, {
      authTagLength: GCM_TAG_BYTES,
    });
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }

  /** @throws when it was sealed for other parts, or altered */
  open(sealed: string, owner: Owner, ...parts: readonly Part[]): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#mac('seal', owner, ...parts), nonce, {
      authTagLength: GCM_TAG_BYTES,
    });
    decipher.setAuthTag(bytes.subarray(-GCM_TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -GCM_TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    );
  }

  #tag(owner: Owner, body: Buffer): Buffer {
    return this.#mac('tag', owner, body.toString('base64url')).subarray(0, TAG_BYTES);
  }

  /** As JSON, so that the parts cannot run into each other. */
  #mac(what: string, { space, id }: Owner, ...parts: readonly Part[]): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([what, space, id, ...parts]))
      .digest();
  }
}

/** The keys of the ring: the first makes, all find. */
export class TokenKeys {
  readonly first: TokenKey;
  readonly all: readonly TokenKey[];

  constructor(ring: Keyring) {
    this.first = new TokenKey(ring.current.key);
    const others = ring.ids.slice(1).flatMap((id) => ring.get(id) ?? []);
    this.all = [this.first, ...others.map((key) => new TokenKey(key))];
  }
}

/** What makes one token differ from all others of its owner. */
export function partsOf(shown: Shown): readonly Part[] {
  return 'token' in shown ? ['token', shown.token] : ['code', shown.purpose, shown.subject, shown.code];
}
