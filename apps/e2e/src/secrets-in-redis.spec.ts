import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Card, CreatedToken, LoginAnswer } from '@puerta/contracts';
import { startPuerta, startRedis, waitFor, type Puerta, type TestRedis } from '@puerta/testing';
import { Redis } from 'ioredis';
import { administrator, expectStatus } from './support/people';

let redis: TestRedis;
let puerta: Puerta;
let looking: Redis;
let monitor: Redis;
/** Everything that was sent to Redis, as MONITOR shows it. */
let sent = '';

beforeAll(async () => {
  redis = await startRedis();
  looking = new Redis(redis.url);
  // Everything is written to both kinds of files, and nothing is hidden in them by compression.
  await looking.config('SET', 'rdbcompression', 'no', 'aof-use-rdb-preamble', 'no', 'appendfsync', 'always');
  monitor = await looking.monitor();
  monitor.on('monitor', (_time: string, args: string[]) => (sent += `${args.join(' ')}\n`));
  // Limits too: they count by address and by e-mail.
  puerta = await startPuerta({
    redis: redis.url,
    env: { GATEWAY_RATE_LIMIT: 'on', GATEWAY_RATE_LIMIT_PER_ADDRESS: '1000000', TOKEN_SERVICE_CODE_DIGITS: '10' },
  });
}, 120_000);

afterAll(async () => {
  await puerta?.stop();
  monitor?.disconnect();
  looking?.disconnect();
  await redis?.close();
});

/** A text in clear and in the forms that hide it from a glance: base64 of both kinds at each offset, and hex. */
function guises(secret: string): string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64');
    // Characters that also depend on what stands before or after are left out.
    return text.slice(offset === 0 ? 0 : 4, -4);
  });
  const inUrls = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret, ...encoded, ...inUrls, Buffer.from(secret).toString('hex')];
}

/** All that Redis holds, has been sent, and has written down. */
async function everything(): Promise<Map<string, string>> {
  const places = new Map([['MONITOR', sent]]);
  for (const key of await looking.keys('*')) {
    const dump = (await looking.dumpBuffer(key)) as Buffer | null;
    places.set(`DUMP ${key}`, `${key} ${dump?.toString('latin1') ?? ''}`);
  }
  await looking.save();
  const [, folder = ''] = (await looking.config('GET', 'dir')) as string[];
  for (const file of await readdir(folder, { recursive: true })) {
    if (/\.(?:rdb|aof)$/.test(file)) places.set(file, await readFile(join(folder, file), 'latin1'));
  }
  return places;
}

async function leaked(secrets: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const [place, content] of await everything()) {
    for (const secret of secrets) {
      if (guises(secret).some((guise) => content.includes(guise))) found.push(`${secret} in ${place}`);
    }
  }
  return found;
}

const canary = (what: string) => `canary${what}${randomBytes(12).toString('hex')}`;

it('keeps no password, token, secret or personal data in Redis or its files, not even while messages wait there', async () => {
  const api = puerta.api();
  const password = canary('password');
  const [name, holder, document, title] = ['Name', 'Holder', 'Document', 'Title'].map(canary) as [
    string,
    string,
    string,
    string,
  ];
  const email = `${canary('mail')}@example.com`;
  const secrets = [password, name, holder, document, title, email];

  const registered = expectStatus(await api.post<LoginAnswer>('/users/register', { name, email, password }), 201);
  const login = expectStatus(await api.post<LoginAnswer>('/users/login', { email, password }), 200);
  const refreshed = expectStatus(
    await api.post<LoginAnswer>('/users/refresh', { refresh_token: login.refresh_token }),
    200,
  );
  for (const answer of [registered, login, refreshed]) secrets.push(answer.access_token, answer.refresh_token);

  const admin = await administrator(api);
  secrets.push(admin.email, admin.token, admin.firstToken);
  const body = { holder: { name: holder, email, document_id: document, title } };
  const headers = { 'idempotency-key': randomUUID() };
  const card = expectStatus(await api.post<Card>('/cards', body, { token: admin.token, headers }), 201);
  expectStatus(await api.post<Card>('/cards', body, { token: admin.token, headers }), 201);
  const code = new URL(card.scan_url).pathname.slice('/scan/'.length);
  const scanned = await puerta.http().get(`/scan/${code}`);
  const pass = new URL(scanned.headers.get('location') ?? '').searchParams.get('token') ?? '';
  expectStatus(await api.get('/scan/profile', { token: pass }), 200);
  secrets.push(code, pass);

  const invited = { email: `${canary('guest')}@example.com`, role: 'issuer' };
  const invitation = await api.post<{ invitation: string }>(`/companies/${admin.companyId}/invitations`, invited, {
    token: admin.token,
  });
  secrets.push(invited.email, expectStatus(invitation, 201).invitation);

  const bound = { purpose: canary('purpose'), subject: canary('subject'), payload: canary('payload') };
  secrets.push(...Object.values(bound));
  for (const format of ['opaque', 'code']) {
    const key = { 'idempotency-key': randomUUID() };
    const made = await api.post<CreatedToken>(
      '/token/create',
      { ...bound, format, ttl_seconds: 600 },
      { token: admin.token, headers: key },
    );
    const { token: once, token_id } = expectStatus(made, 201);
    const { payload, ...claim } = bound;
    expect(
      expectStatus(await api.post('/token/peek', { ...claim, token: once }, { token: admin.token }), 200),
    ).toMatchObject({ payload });
    if (format === 'code')
      expectStatus(await api.post('/token/validate', { ...claim, token: once }, { token: admin.token }), 200);
    secrets.push(once, token_id);
  }

  // While a callee stands still its messages rest on the stream.
  const [identity] = puerta.replicas.identity;
  process.kill(identity?.pid ?? 0, 'SIGSTOP');
  const waiting = [password, canary('password')].map((one) => api.post('/users/login', { email, password: one }));
  const stream = `${puerta.busPrefix}:{identity}:gateway:heavy`;
  await waitFor(async () => (await looking.xlen(stream)) === waiting.length);
  // What is there is found, in each of the places: this we put there ourselves.
  const control = canary('control');
  await looking.set('control', control);
  const found = await leaked([...secrets, control]);
  process.kill(identity?.pid ?? 0, 'SIGCONT');
  await Promise.all(waiting);
  const places = found.map((one) => one.replace(`${control} in `, ''));
  expect(places.sort()).toEqual(['DUMP control', 'MONITOR', expect.stringMatching(/^appendonly.*\.aof$/), 'dump.rdb']);

  expect(await leaked(secrets)).toEqual([]);
}, 120_000);
