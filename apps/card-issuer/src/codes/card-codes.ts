import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Keyring } from '@puerta/config';

/** Domain of the HMAC: another use of the same secret can never make a card's code. */
const DOMAIN = 'puerta-card-1';
const CODE_BYTES = 16;
const SALT_BYTES = 16;

/** What a card's code is derived from, besides the secret. */
export interface CodeSource {
  readonly id: string;
  readonly revision: number;
  readonly codeSalt: Buffer;
  readonly codeSecretId: string;
}

/** What a card keeps of its code: enough to make it again with the secret, and to recognise it without. */
export interface StoredCode {
  readonly codeSalt: Buffer;
  readonly codeSecretId: string;
  readonly codeHash: Buffer;
}

/**
 * Makes the codes that cards carry in their QR. A code is not stored: it is 128 bits of an HMAC of what the card's row
 * says, so that its picture can be drawn at any time, while the database alone opens no card.
 */
export class CardCodes {
  constructor(
    private readonly secrets: Keyring,
    private readonly publicUrl: string,
  ) {}

  /** Whether codes made with the secret of this id can be made again. */
  knows(secretId: string): boolean {
    return this.secrets.get(secretId) !== undefined;
  }

  /** A new code for this revision of a card, under the newest secret and a salt of its own. */
  renew(id: string, revision: number): StoredCode {
    const source = { id, revision, codeSalt: randomBytes(SALT_BYTES), codeSecretId: this.secrets.current.id };
    const { codeSalt, codeSecretId } = source;
    return { codeSalt, codeSecretId, codeHash: hashCode(this.codeOf(source)) };
  }

  /** @throws Error if the secret that the card names is not configured; boot checks that none is missing. */
  codeOf({ id, revision, codeSalt, codeSecretId }: CodeSource): string {
    const key = this.secrets.get(codeSecretId);
    if (!key) throw new Error(`CARD_ISSUER_CODE_SECRETS has no secret "${codeSecretId}"`);
    // Every part has a fixed width (13, 16, 4 and 16 bytes), so that no two inputs are written alike.
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(revision);
    return createHmac('sha256', key)
      .update(DOMAIN)
      .update(uuidBytes(id))
      .update(counter)
      .update(codeSalt)
      .digest()
      .toString('base64url', 0, CODE_BYTES);
  }

  /** The address in the card's QR. */
  scanUrl(card: CodeSource): string {
    return `${this.publicUrl}/scan/${this.codeOf(card)}`;
  }
}

/** What the database knows a code by. A plain hash is enough: 128 random bits cannot be guessed from it. */
export function hashCode(code: string): Buffer {
  return createHash('sha256').update(code).digest();
}

function uuidBytes(id: string): Buffer {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new TypeError('a card id is a UUID');
  return bytes;
}
