import { mutationsOf } from '../../test/mutations';
import { accessClaims, EVENT, ISSUER, now, ticketClaims, UPSTREAM } from '../../test/tokens';
import {
  assertionKeys,
  key,
  keys,
  makers,
  names,
  secret,
  signers,
  ticketKey,
  ticketKeys,
  verdict,
} from '../../test/verifiers';
import { decodeToken, type InspectionOptions, inspectToken } from './token-inspection';
import type { TokenKind } from './token-kinds';

/** As the verifier of that name is set up. */
const setups: Readonly<Record<(typeof names)[number], [TokenKind, InspectionOptions]>> = {
  'access, ES256': ['access', { keys, issuer: ISSUER }],
  'access, HS256': ['access', { keys: secret.shared, issuer: ISSUER }],
  scan: ['scan', { keys, issuer: ISSUER }],
  assertion: ['assertion', { keys: assertionKeys, issuer: ISSUER, audience: UPSTREAM }],
  ticket: ['ticket', { keys: ticketKeys, audience: EVENT }],
};

const reasons = async (token: string, name: (typeof names)[number]): Promise<string[]> => {
  const [kind, options] = setups[name];
  return (await inspectToken(token, kind, options)).findings.map(({ reason }) => reason);
};

describe.each(names)('the inspection for %s', (name) => {
  it('finds nothing in what the verifier takes, and what it says first in all that it refuses', async () => {
    const live = { token: makers[name](), sign: signers[name] };
    const texts = [...mutationsOf(live)].filter(([, what], at) => at % 8 === 0 || !/^(?:bit|character) /.test(what));
    const others = names.flatMap((other) => makers[other]());
    for (const text of [...others, ...texts.map(([token]) => token)]) {
      const [said, found] = [await verdict(name, text), await reasons(text, name)];
      if (said === 'accepted' ? found.length > 0 : !found.includes(said))
        expect({ text, found }).toEqual({ text, said });
    }
  });

  it('repeats neither the signature nor the payload', async () => {
    const token = makers[name]();
    for (const text of [token, `${token}=`, token.slice(0, -1), token.toLowerCase(), `${token}.${token}`]) {
      for (const other of names) {
        const [kind, options] = setups[other];
        const said = JSON.stringify(await inspectToken(text, kind, options));
        for (const part of text.split('.')) expect(said).not.toContain(part.slice(0, 24));
      }
    }
  });
});

describe('an inspection', () => {
  it('finds everything that is wrong', async () => {
    const claims = {
      iss: 'https://other.example',
      aud: 'x',
      exp: now() - 60,
      nbf: now() + 60,
      sub: 'root',
      email: undefined,
    };
    expect(await reasons(key.access({ ...claims, exp: now() - 60 }), 'access, ES256')).toEqual([
      'claims',
      'claims',
      'not_yet_valid',
      'expired',
      'issuer',
      'audience',
    ]);
    const crowded = ticketKey.sign({ ...key.header('at+jwt'), jku: 'x' }, accessClaims());
    expect(await reasons(crowded, 'access, ES256')).toEqual(['header', 'signature']);
    const forged = ticketKey.sign({ alg: 'HS384', typ: 'JWT', kid: 'k1', jku: 'x' }, accessClaims());
    expect(await reasons(forged, 'access, ES256')).toEqual(['header', 'type', 'algorithm']);
  });

  it('says what it could not check', async () => {
    expect(await inspectToken(key.access(), 'access', {})).toEqual({
      findings: [],
      unchecked: ['signature', 'issuer'],
    });
    expect(await inspectToken(ticketKey.ticket(), 'ticket', {})).toEqual({
      findings: [],
      unchecked: ['signature', 'audience'],
    });
    expect(await inspectToken(ticketKey.ticket(), 'ticket', { keys: ticketKeys, audience: EVENT })).toEqual({
      findings: [],
      unchecked: [],
    });
  });

  it('names the claims that it is about', async () => {
    const { findings } = await inspectToken(
      ticketKey.ticket({ iss: ISSUER, userName: undefined, jti: 'x' }),
      'ticket',
      {},
    );
    expect(findings.map(({ detail }) => detail)).toEqual([
      'jti is not what it has to be',
      'userName is missing',
      'iss is no claim of this kind',
    ]);
  });
});

describe('decodeToken', () => {
  it('reads what it can, and believes nothing', () => {
    const claims = ticketClaims();
    expect(decodeToken(ticketKey.sign('no JSON', claims))).toEqual({ header: undefined, claims });
    for (const text of ['', '.', 'a', 'W10.W10', 'bnVsbA.bnVsbA', '\0.\0']) {
      expect(decodeToken(text)).toEqual({ header: undefined, claims: undefined });
    }
  });
});
