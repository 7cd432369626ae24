import { type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newKeyPair } from './key-pair';

/** A user of whom an assertion tells. */
export interface AssertedUser {
  readonly id: string;
  readonly company: string;
  readonly email: string;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As much of a gateway as services behind it need that verify assertions: it signs them and publishes its key. */
export class AssertionIssuer {
  readonly issuer = 'https://puerta.example.com';
  readonly #key = newKeyPair();
  readonly #server = createServer((_request, response) => {
    const key = { ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'a1', use: 'sig', alg: 'ES256' };
    response.end(JSON.stringify({ keys: [key] }));
  });

  static async start(): Promise<AssertionIssuer> {
    const issuer = new AssertionIssuer();
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * @param changes of claims; what is changed to `undefined` is removed
   * @param header changes of it
   * @param key signs, in place of the one that is published
   */
  sign(
    { id, company, email }: AssertedUser,
    audience: string,
    changes: object = {},
    header: object = {},
    key: KeyObject = this.#key.privateKey,
  ): string {
    const iat = Math.floor(Date.now() / 1_000);
    const facts = { sub: id, email, company_id: company, roles: ['issuer'] };
    const claims = { iss: this.issuer, aud: audience, jti: randomUUID(), iat, exp: iat + 30, ...facts, ...changes };
    const input = `${encode({ alg: 'ES256', typ: 'puerta-assertion+jwt', kid: 'a1', ...header })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const past = Math.floor(Date.now() / 1_000) - 60;

/** What a service that wants an assertion for itself must refuse. */
export const BAD_ASSERTIONS: readonly [
  what: string,
  make: (issuer: AssertionIssuer, user: AssertedUser, audience: string) => string,
][] = [
  ['nothing', () => ''],
  ['no JWT', () => 'a.b.c'],
  ['one for another service', (issuer, user) => issuer.sign(user, 'other')],
  ['one of another issuer', (issuer, user, aud) => issuer.sign(user, aud, { iss: 'https://other.example' })],
  ['one that is over', (issuer, user, aud) => issuer.sign(user, aud, { iat: past, exp: past + 30 })],
  ['one without an end', (issuer, user, aud) => issuer.sign(user, aud, { exp: undefined })],
  ['one without a user', (issuer, user, aud) => issuer.sign(user, aud, { sub: undefined })],
  ['one without a company', (issuer, user, aud) => issuer.sign(user, aud, { company_id: undefined })],
  ['an access token', (issuer, user, aud) => issuer.sign(user, aud, {}, { typ: 'at+jwt' })],
  [
    'one without a signature',
    (issuer, user, aud) => `${issuer.sign(user, aud, {}, { alg: 'none' }).split('.', 2).join('.')}.`,
  ],
  ['one of a key that is not known', (issuer, user, aud) => issuer.sign(user, aud, {}, { kid: 'a2' })],
  ['one that somebody else signed', (issuer, user, aud) => issuer.sign(user, aud, {}, {}, newKeyPair().privateKey)],
];
