import { spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { newKeyPair } from '@puerta/testing';
import { main } from './main.mjs';

const ISSUER = 'https://puerta.example.com';
const EVENT = randomBytes(16).toString('base64url');
const SECRET = randomBytes(32).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
const jwks = join(folder, 'jwks.json');
const assertionJwks = join(folder, 'assertion-jwks.json');
const ticketJwks = join(folder, 'ticket-jwks.json');

type Changes = Record<string, unknown>;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const soon = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** A signing key, published in a file. */
function publish(kid: string, file: string) {
  const { privateKey, publicKey } = newKeyPair();
  const key = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' };
  writeFileSync(file, JSON.stringify({ keys: [key] }));
  return (typ: string, claims: Changes, header: Changes = {}) => {
    const input = `${encode({ alg: 'ES256', typ, kid, ...header })}.${encode(claims)}`;
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}

const signed = publish('access-1', jwks);
const signedAssertion = publish('assertion-1', assertionJwks);
const signedTicket = publish('t_-1', ticketJwks);
const common = () => ({ iss: ISSUER, sub: randomUUID(), jti: randomUUID(), iat: soon(0), exp: soon(900) });
const accessClaims = (changes: Changes = {}) => ({
  ...common(),
  aud: 'puerta',
  email: 'ana@example.com',
  sid: randomUUID(),
  roles: ['admin'],
  ...changes,
});
const ticketClaims = () => ({
  jti: randomBytes(16).toString('base64url'),
  sub: randomUUID(),
  aud: EVENT,
  exp: soon(86_400 * 3 + 60),
  ticketType: 'VIP',
  userName: 'Ana Pérez',
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** As a process of its own, which costs a fifth of a second. */
function spawned(args: string[], input: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(__dirname, '../tokens.mjs'), ...args], {
    env: { PATH: process.env['PATH'] },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** The same in this one. */
async function tokens(args: string[], input = '', env: Record<string, string> = {}): Promise<Ended> {
  let [out, err] = ['', ''];
  const writes = [
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== ''),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => (err += String(text)) !== ''),
  ];
  try {
    const code = await main(args, env, Readable.from([Buffer.from(input)]) as unknown as NodeJS.ReadStream);
    return { code, out, err };
  } finally {
    for (const write of writes) write.mockRestore();
  }
}

const all = [
  ...['--jwks', jwks, '--assertion-jwks', assertionJwks, '--ticket-jwks', ticketJwks],
  ...['--issuer', ISSUER, '--service', 'query', '--event', EVENT],
];
const inspect = (token: string, args = all, env = {}) => tokens(['inspect', ...args], `${token}\n`, env);

/** No long piece of it is shown, wherever it was cut. */
function expectUnseen({ out, err }: Ended, token: string): void {
  for (const part of token.split('.')) expect(out + err).not.toContain(part.slice(-20));
}

let server: Server | undefined;
afterEach(() => server?.close());
afterAll(() => rmSync(folder, { recursive: true }));

describe('npm run tokens -- inspect', () => {
  it('explains an access token: its kind, what it says, when it ends, and who takes it', async () => {
    const claims = accessClaims({ company_id: randomUUID(), exp: soon(14 * 60 + 30) });
    const token = signed('at+jwt', claims);
    const ended = await spawned(['inspect', ...all], `${token}\n`);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toMatch(
      /^kind {6}an access token\nheader {4}alg {2}ES256\n {10}typ {2}at\+jwt\n {10}kid {2}access-1\nclaims {4}iss/,
    );
    expect(ended.out).toContain('email       ana@example.com');
    expect(ended.out).toMatch(/exp {9}\d+: 20\d\d-\d\d-\d\dT[\d:]+Z, in 14 minutes\n/);
    expect(ended.out).toContain('The verifier of access tokens takes it.');
    expect(ended.out).toMatch(
      /The verifier of scan passes refuses it:\n {2}type +typ is at\+jwt instead of scan\+jwt\n {2}audience +aud is puerta/,
    );
    expect(ended.out).toMatch(/The verifier of tickets refuses it:\n {2}type[^]*unknown_key[^]*audience/);
    expectUnseen(ended, token);
  });

  it('explains a scan pass in its address, and a ticket', async () => {
    const pass = await inspect(
      `https://front.example.com/profile?token=${signed('scan+jwt', { ...common(), aud: 'card-profile' })}`,
    );
    expect(pass).toMatchObject({
      code: 0,
      out: expect.stringContaining('a scan pass, in the address of a profile page') as string,
    });
    const ticket = await inspect(signedTicket('ticket+jwt', ticketClaims()));
    expect(ticket).toMatchObject({
      code: 0,
      out: expect.stringMatching(/a ticket\n[^]*userName {4}Ana Pérez\n[^]*of tickets takes it/) as string,
    });
    expect(ticket.out).toMatch(/exp {9}\d+: \S+, in 3 days/);
    const other = await inspect(signedTicket('ticket+jwt', ticketClaims()), [
      ...all.slice(0, -1),
      randomBytes(16).toString('base64url'),
    ]);
    expect(other).toMatchObject({
      code: 1,
      out: expect.stringMatching(/The verifier of tickets refuses it:\n {2}audience/) as string,
    });
  });

  it('explains an assertion, and for which service it is', async () => {
    const claims = { ...common(), aud: 'query', email: 'ana@example.com', roles: ['admin'], exp: soon(30) };
    const token = signedAssertion('puerta-assertion+jwt', claims);
    const ended = await inspect(token);
    expect(ended).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^kind {6}an assertion\n[^]*aud {4}query\n[^]*of assertions takes it/) as string,
    });
    expectUnseen(ended, token);
    const other = await inspect(token, [...all, '--service', 'ingest']);
    expect(other.out).toMatch(/of assertions refuses it:\n {2}audience +aud is query instead of ingest/);
    const unknown = await inspect(token, ['--assertion-jwks', assertionJwks, '--issuer', ISSUER]);
    expect(unknown.out).toMatch(
      /of assertions might take it:\n {2}not checked +"aud" was not compared: give --service/,
    );
  });

  it('names all that is wrong, not the first thing alone', async () => {
    const claims = accessClaims({ iss: 'https://other.example', exp: soon(-3_700), email: undefined, roles: 'owner' });
    const [header, payload] = signed('at+jwt', claims).split('.');
    const { code, out } = await inspect(`Bearer ${header}.${payload}.${Buffer.alloc(64, 7).toString('base64url')}`);
    expect(code).toBe(1);
    expect(out).toMatch(/exp +\d+: \S+, 1 hour ago/);
    const [verdict = ''] = /The verifier of access tokens refuses it:\n(?: {2}.*\n)+/.exec(out) ?? [];
    expect(verdict.match(/^ {2}\w+/gm)).toEqual(['  signature', '  claims', '  claims', '  expired', '  issuer']);
  });

  it('checks HS256 with the secret of the environment, and shows none', async () => {
    const env = { GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: SECRET, PUBLIC_URL: ISSUER };
    const kid = createHmac('sha256', SECRET).update('puerta-access-token-kid').digest('base64url');
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(accessClaims())}`;
    const token = `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
    const good = await inspect(token, [], env);
    expect(good).toMatchObject({
      code: 0,
      out: expect.stringContaining('The verifier of access tokens (HS256) takes it.') as string,
    });
    expectUnseen(good, token);
    expect(good.out).not.toContain(SECRET.slice(0, 12));
    const es256 = await inspect(signed('at+jwt', accessClaims()), all, env);
    expect(es256).toMatchObject({
      code: 1,
      out: expect.stringMatching(/\(HS256\) refuses it:\n {2}unknown_key/) as string,
    });
    const without = await inspect(token);
    expect(without).toMatchObject({
      code: 1,
      out: expect.stringContaining('set GATEWAY_JWT_ALGORITHM=HS256') as string,
    });
    const weak = await inspect(token, [], { ...env, GATEWAY_JWT_SECRET: 'clave_super_segura_cambia_esto' });
    expect(weak).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^GATEWAY_JWT_SECRET is too short/) as string,
    });
    expect(weak.err).not.toContain('clave');
  });

  it('calls nothing good that it could not check', async () => {
    const { code, out } = await inspect(signed('at+jwt', accessClaims()), []);
    expect(code).toBe(1);
    expect(out).toMatch(
      /The verifier of access tokens might take it:\n {2}not checked +the signature was not checked: give --jwks\n {2}not checked +"iss"/,
    );
  });

  it('knows other credentials by their form', async () => {
    const expires = Buffer.alloc(6);
    expires.writeUIntBE(Date.parse('2027-01-02T03:04:05Z'), 0, 6);
    const credentials: [string, RegExp][] = [
      [randomBytes(32).toString('base64url'), /a refresh token, or the secret of an invitation/],
      [randomBytes(16).toString('base64url'), /the code of a card/],
      [`https://puerta.example.com/scan/${randomBytes(16).toString('base64url')}`, /the address of a card/],
      [
        Buffer.concat([expires, randomBytes(48)]).toString('base64url'),
        /a single-use token\n.* at 2027-01-02T03:04:05.000Z/,
      ],
      ['4930271', /a single-use code/],
      ['correct horse battery staple', /unknown\n.*28 characters, and the form of nothing/],
      [`${randomBytes(16).toString('base64url')} `, /unknown\n.*There is white space around it/],
    ];
    for (const [text, what] of credentials) {
      const ended = await inspect(text, []);
      expect(ended).toMatchObject({ code: 1, err: '', out: expect.stringMatching(what) as string });
      expect(ended.out).not.toContain(text.trim().slice(-10));
    }
  });

  it('lets no token steer the terminal, nor show what looks like another token', async () => {
    const inner = randomBytes(40).toString('base64url');
    const token = signed('at+jwt', accessClaims({ email: 'a\u001b[2J\u202eb', extra: { deep: inner } }), {
      jwk: { d: inner },
      typ: 'x\u0007',
    });
    const ended = await inspect(token);
    expect(ended.code).toBe(1);
    expect(ended.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(ended.out).toContain('(54 characters, not shown)');
    expect(ended.out).not.toContain(inner.slice(0, 10));
    expectUnseen(ended, token);
  });

  it('shows no such token inside of a text either, and of an issuer its host', async () => {
    const inner = randomBytes(40).toString('base64url');
    const host = 'https://puerta.a-rather-long-name-of-an-installation.example.com';
    const claims = accessClaims({
      iss: host,
      email: `Bearer ${inner}`,
      aud: `Bearer ${inner}`,
      extra: [`https://x.example/?t=${inner}`, `https://u:${inner}@x.example/`, { [inner]: `${host}/a` }],
      [inner]: 1,
      link: `${host}:8443/s/${inner}`,
    });
    const ended = await inspect(signed('at+jwt', claims, { typ: inner }));
    expect(ended.out + ended.err).not.toContain(inner.slice(4, 14));
    expect(ended.out).toMatch(/email +Bearer \(54 characters, not shown\)\n/);
    expect(ended.out).toContain(`  ${host}\n`);
    expect(ended.out).toContain('https://x.example/?(56 characters, not shown)');
    expect(ended.out).toContain(`iss is ${host} instead of ${ISSUER}`);
  });

  it('takes the key set of an address or a file, and says why it cannot', async () => {
    const answers: Record<string, [status: number, body: string]> = {
      '/none': [200, '{"keys":[]}'],
      '/other': [200, '{"keys":null}'],
      '/text': [200, 'aSecret'],
      '/away': [503, 'aSecret'],
    };
    server = createServer(({ url = '' }, response) => {
      const [status, body] = answers[url] ?? [404, ''];
      response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const refusal = async (place: string) => {
      const { code, out, err } = await inspect('a.b.c', ['--jwks', place]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      return err.replace('the key set cannot be read: ', '');
    };
    expect(await refusal(`${origin}/none`)).toBe('it holds no key for ES256\n');
    expect(await refusal(`${origin}/other`)).toBe('it is no key set\n');
    expect(await refusal(`${origin}/text`)).toBe('it is not JSON\n');
    expect(await refusal(`${origin}/away`)).toBe('the answer is 503\n');
    server.close();
    server.closeAllConnections();
    expect(await refusal(`${origin}/none`)).toBe('the address does not answer\n');
    expect(await refusal('http://user:aSecret@127.0.0.1/')).toBe('the address holds credentials\n');
    expect(await refusal('https://aSecret:x')).toBe('the address is no URL\n');
    const pasted = await refusal(signed('at+jwt', accessClaims()));
    expect(pasted).toMatch(/^(there is no such file|the file cannot be read \(ENAMETOOLONG\))\n$/);
    expect(await refusal(folder)).toBe('the file cannot be read (EISDIR)\n');
    expect(await refusal('aSecret\u001b[2J')).toBe('there is no such file\n');
    const file = join(folder, 'secret.txt');
    writeFileSync(file, '\u001b[2JaSecret');
    expect(await refusal(file)).toBe('it is not JSON\n');
  });

  it('says how it is used, and repeats nothing that it did not understand', async () => {
    const canary = randomBytes(20).toString('hex');
    for (const args of [
      [canary],
      ['inspect', `--${canary}`],
      ['inspect', 'a.b.c', canary],
      ['inspect'],
      ['inspect', '--jwks'],
    ]) {
      const ended = await tokens(args);
      expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/./) as string });
      expect(ended.err).not.toContain(canary);
    }
    for (const args of [['--help'], [], ['inspect', '--help']]) {
      expect(await tokens(args)).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--help') as string });
    }
    expect((await tokens(['inspect', '--help'])).out).toContain('history of the shell');
    expect(await tokens(['inspect', 'a.b.c'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('not readable as a JSON object') as string,
    });
  });
});
