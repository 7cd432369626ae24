import { randomUUID } from 'node:crypto';
import type { Actor, CreatedToken, ValidToken } from '@puerta/contracts';
import { tokenServiceContract } from '@puerta/contracts';
import { type BusClient, ServiceClient } from '@puerta/messaging';
import { startPuerta, type Puerta } from '@puerta/testing';
import { askAs } from './support/bus';
import { ForgetfulProxy } from './support/forgetful-proxy';
import { administrator, expectStatus } from './support/people';
import { Random } from './support/random';

const VALIDATIONS = 10_000;
const ROUNDS_ON_BUS = 100;
const ROUNDS_BY_HTTP = 10;
/** So many requests a client has under way, on connections of their own. */
const CONNECTIONS = 256;
const KILLS = 20;
/** Ten thousand calls that are made at once are not all answered at once. */
const TTL_MS = 60_000;

const actor: Actor = {
  user_id: randomUUID(),
  session_id: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
  role: 'member',
};

let puerta: Puerta;
let client: BusClient;
let tokens: ServiceClient<typeof tokenServiceContract>;
let proxies: ForgetfulProxy[];

beforeAll(async () => {
  const port = Number(new URL(process.env['PUERTA_TEST_REDIS_URL'] ?? '').port);
  proxies = await Promise.all([1, 2, 3].map(() => ForgetfulProxy.start(port)));
  puerta = await startPuerta({
    replicas: { 'token-service': 3 },
    env: { LOG_LEVEL: 'warn' },
    envOf: (app, n, { REDIS_URL = '' }): Record<string, string> => {
      if (app !== 'token-service') return {};
      const url = new URL(REDIS_URL);
      url.port = String(proxies[n]?.port);
      return { TOKEN_SERVICE_REDIS_URL: url.href };
    },
  });
  client = await askAs('gateway', puerta);
  tokens = new ServiceClient(client, tokenServiceContract);
}, 120_000);

afterAll(async () => {
  await client?.close();
  await puerta?.stop();
  for (const proxy of proxies) proxy.close();
});

const issue = (): Promise<CreatedToken> => tokens.request('single-use-tokens.issue', { ttl_seconds: 600, payload: 'once' }, { actor });
const redeem = (token: string): Promise<ValidToken> => tokens.request('single-use-tokens.redeem', { token }, { actor, ttlMs: TTL_MS });

/** `ok`, or the code of the refusal. */
const codeOf = (answer: Promise<ValidToken>): Promise<string> =>
  answer.then(
    ({ payload }) => (payload === 'once' ? 'ok' : 'another payload'),
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

function count(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

const ONE = { ok: 1, token_used: VALIDATIONS - 1 };

it(`${ROUNDS_ON_BUS} times, of ${VALIDATIONS} that validate a token at once over three replicas, one is answered`, async () => {
  const started = performance.now();
  for (let round = 0; round < ROUNDS_ON_BUS; round += 1) {
    const { token } = await issue();
    const codes = await Promise.all(Array.from({ length: VALIDATIONS }, () => codeOf(redeem(token))));
    expect(count(codes)).toEqual(ONE);
  }
  const rate = (ROUNDS_ON_BUS * VALIDATIONS * 1_000) / (performance.now() - started);
  console.log(`${ROUNDS_ON_BUS} tokens, ${VALIDATIONS} validations each, over the bus: one success each, ${rate.toFixed(0)}/s`);
}, 1_200_000);

it(`${ROUNDS_BY_HTTP} times the same through the gateway`, async () => {
  const { token: access } = await administrator(puerta.api());
  const started = performance.now();
  for (let round = 0; round < ROUNDS_BY_HTTP; round += 1) {
    const { token } = expectStatus(await puerta.api().post<CreatedToken>('/token/create', { ttl_seconds: 600 }, { token: access }), 201);
    const codes: string[] = [];
    let begun = 0;
    const validate = async (): Promise<void> => {
      while (begun++ < VALIDATIONS) {
        const { status, body } = await puerta.api().post<{ code?: string }>('/token/validate', { token }, { token: access });
        codes.push(status === 200 ? 'ok' : (body.code ?? String(status)));
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, validate));
    expect(count(codes)).toEqual(ONE);
  }
  const rate = (ROUNDS_BY_HTTP * VALIDATIONS * 1_000) / (performance.now() - started);
  console.log(`${ROUNDS_BY_HTTP} tokens, ${VALIDATIONS} validations each, through the gateway: one success each, ${rate.toFixed(0)}/s`);
}, 600_000);

it(`${KILLS} times, a replica is killed that has just used a token up: its redelivered call is told of that success, nobody else`, async () => {
  const random = new Random(Date.now() % 1_000_000);
  const waits: number[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const { token } = await issue();
    const killed = Promise.race(
      proxies.map(async (proxy, n) => {
        await proxy.forget('$4\r\ngood\r\n');
        for (const other of proxies) if (other !== proxy) other.disarm();
        await puerta.replicas['token-service'][n]?.kill();
        return n;
      }),
    );
    const started = performance.now();
    const codes = await Promise.all(Array.from({ length: random.between(1, 200) }, () => codeOf(redeem(token))));
    waits.push(performance.now() - started);
    const n = await killed;
    expect(count(codes)).toEqual({ ok: 1, ...(codes.length > 1 && { token_used: codes.length - 1 }) });
    for (const proxy of proxies) proxy.disarm();
    await puerta.replicas['token-service'][n]?.start();
  }
  console.log(`${KILLS} replicas killed after they had used a token up: answered after ${Math.max(...waits).toFixed(0)} ms at most`);
}, 600_000);
