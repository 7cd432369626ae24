import { randomBytes } from 'node:crypto';
import { accessClaims, assertionClaims, scanClaims, ticketClaims } from '../../test/tokens';
import {
  assertionKey,
  key,
  makers,
  names,
  secret,
  signers,
  takers,
  ticketKey,
  type VerifierName,
} from '../../test/verifiers';

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** What else people and programs carry, in its form. Whether one of them is live, no verifier of signed tokens can know. */
const others: Readonly<Record<string, string>> = {
  'a refresh token': random(32),
  'the secret of an invitation': random(32),
  'the code of a card': random(16),
  'the address of a card': `https://puerta.example.com/scan/${random(16)}`,
  'a single-use token': random(54),
  'a code of 6 digits': '493027',
  'a code of 10 digits': '4930271856',
};

describe.each(names)('the verifier of %s', (verifier) => {
  it.each(names)('and %s', async (made) => {
    expect((await takers(makers[made]())).includes(verifier)).toBe(made === verifier);
  });

  it.each(Object.entries(others))('and %s', async (_, credential) => {
    expect((await takers(credential)).includes(verifier)).toBe(false);
  });
});

describe('whatever a key signs, it signs for its own verifiers alone', () => {
  /** Every header and all claims that there are. */
  const typs = ['at+jwt', 'scan+jwt', 'puerta-assertion+jwt', 'ticket+jwt'];
  const claims = { access: accessClaims, scan: scanClaims, assertion: assertionClaims, ticket: ticketClaims };
  const headers = {
    key: { alg: 'ES256', kid: key.kid },
    assertionKey: { alg: 'ES256', kid: assertionKey.kid },
    ticketKey: { alg: 'ES256', kid: ticketKey.kid },
    secret: { alg: 'HS256', kid: secret.shared.key.kid },
  };
  const keys: [VerifierName, keyof typeof headers, VerifierName[]][] = [
    ['access, ES256', 'key', ['access, ES256', 'scan']],
    ['assertion', 'assertionKey', ['assertion']],
    ['ticket', 'ticketKey', ['ticket']],
    ['access, HS256', 'secret', ['access, HS256']],
  ];

  it.each(keys)('that of %s', async (name, own, may) => {
    const taken = new Set<string>();
    for (const typ of typs) {
      for (const make of Object.values(claims)) {
        for (const header of Object.values(headers)) {
          for (const taker of await takers(signers[name]({ ...header, typ }, make()))) {
            taken.add(taker);
            expect(header).toBe(headers[own]);
          }
        }
      }
    }
    expect([...taken].sort()).toEqual([...may].sort());
  });
});

describe('an assertion', () => {
  it.each([
    ['for another service', { aud: 'ingest' }],
    ['for a list of services', { aud: ['query'] }],
    ['for users of the API', { aud: 'puerta' }],
    ['of another issuer', { iss: 'https://other.example' }],
    ['without an issuer', { iss: undefined }],
    ['without a user', { sub: undefined }],
    ['without an e-mail', { email: undefined }],
    ['without roles', { roles: undefined }],
    ['of a company that is no id', { company_id: 'acme' }],
    ['without an end', { exp: undefined }],
    ['that is over', { exp: 1 }],
  ])('%s is refused', async (_, changes) => {
    expect(await takers(assertionKey.assertion(changes))).toEqual([]);
  });

  it('may be of a user without a company', async () => {
    expect(await takers(assertionKey.assertion({ company_id: undefined, roles: [] }))).toEqual(['assertion']);
  });
});

describe('a ticket', () => {
  it.each([
    ['for another event', { aud: random(16) }],
    ['for a list of events', { aud: [ticketClaims()['aud']] }],
    ['with an issuer', { iss: 'https://puerta.example.com' }],
    ['with another claim', { admin: true }],
    ['with nbf', { nbf: 1 }],
    ['with iat', { iat: 1 }],
    ['without a name', { userName: undefined }],
    ['with an empty name', { userName: '' }],
    ['with a name of 241 characters', { userName: 'a'.repeat(241) }],
    ['without a type', { ticketType: undefined }],
    ['with an id that is a UUID', { jti: '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11' }],
    ['without an attendee', { sub: undefined }],
    ['without an end', { exp: undefined }],
    ['that is over', { exp: 1 }],
  ])('%s is refused', async (_, changes) => {
    expect(await takers(ticketKey.ticket(changes))).toEqual([]);
  });

  it('may be for an attendee without an account', async () => {
    expect(await takers(ticketKey.ticket({ sub: random(16) }))).toEqual(['ticket']);
  });
});
