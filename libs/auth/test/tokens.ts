import type { KeySet, PublicKey } from '@puerta/contracts';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto';
import { SharedSecret } from '../src/keys/shared-secret';

export const ISSUER = 'https://puerta.example.com';

/** A signing key of a test's own. */
export class TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;

  constructor(readonly kid: string) {
    const pair = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    // Not as they are generated: exporting those can deadlock Node 20.
    this.privateKey = createPrivateKey(pair.privateKey);
    this.publicKey = createPublicKey(pair.publicKey);
  }

  get jwk(): PublicKey {
    const { x = '', y = '' } = this.publicKey.export({ format: 'jwk' });
    return { kty: 'EC', crv: 'P-256', x, y, kid: this.kid, use: 'sig', alg: 'ES256' };
  }

  get set(): KeySet {
    return { keys: [this.jwk] };
  }

  /** Signs any header and payload, right or wrong: objects are serialised, texts and bytes taken as they are. */
  sign(header: unknown, payload: unknown): string {
    const input = `${encode(header)}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(input), { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  access(changes: Record<string, unknown> = {}): string {
    return this.sign(this.header('at+jwt'), accessClaims(changes));
  }

  scan(changes: Record<string, unknown> = {}): string {
    return this.sign(this.header('scan+jwt'), scanClaims(changes));
  }

  assertion(changes: Record<string, unknown> = {}): string {
    return this.sign(this.header('puerta-assertion+jwt'), assertionClaims(changes));
  }

  ticket(changes: Record<string, unknown> = {}): string {
    return this.sign(this.header('ticket+jwt'), ticketClaims(changes));
  }

  header(typ: string): Record<string, unknown> {
    return { alg: 'ES256', typ, kid: this.kid };
  }
}

/** A secret that is shared, given as text, and tokens as another service makes them of it. */
export class TestSecret {
  readonly shared: SharedSecret;

  constructor(readonly text: string) {
    this.shared = new SharedSecret(createSecretKey(Buffer.from(text)));
  }

  header(typ = 'at+jwt'): Record<string, unknown> {
    return { alg: 'HS256', typ, kid: this.shared.key.kid };
  }

  sign(header: unknown, payload: unknown, secret: string | Buffer = this.text): string {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }

  access(changes: Record<string, unknown> = {}): string {
    return this.sign(this.header(), accessClaims(changes));
  }
}

export function encode(value: unknown): string {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return bytes.toString('base64url');
}

export const now = (): number => Math.floor(Date.now() / 1000);

/** A change to `undefined` removes the claim. */
export function accessClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: 'puerta',
    sub: randomUUID(),
    jti: randomUUID(),
    email: 'ana@example.com',
    sid: randomUUID(),
    company_id: randomUUID(),
    roles: ['admin'],
    iat: now(),
    exp: now() + 900,
    ...changes,
  };
}

export function scanClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: 'card-profile',
    sub: randomUUID(),
    jti: randomUUID(),
    iat: now(),
    exp: now() + 120,
    ...changes,
  };
}

export const UPSTREAM = 'query';

export function assertionClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: UPSTREAM,
    sub: randomUUID(),
    jti: randomUUID(),
    email: 'ana@example.com',
    company_id: randomUUID(),
    roles: ['admin'],
    iat: now(),
    exp: now() + 30,
    ...changes,
  };
}

export const EVENT = 'ZXZlbnQtb2YtdGVzdHMtMQ';

export function ticketClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const jti = randomBytes(16).toString('base64url');
  return {
    jti,
    sub: randomUUID(),
    aud: EVENT,
    exp: now() + 86_400,
    ticketType: 'General',
    userName: 'Ana Pérez',
    ...changes,
  };
}
