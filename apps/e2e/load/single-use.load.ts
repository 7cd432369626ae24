import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreatedToken } from '@puerta/contracts';
import { scaled, startPuerta, type Puerta } from '@puerta/testing';
import { administrator, expectStatus } from '../src/support/people';
import { count, isUnsettled, TokensOverBus } from '../src/support/single-use';

const VALIDATIONS = 10_000;
const ROUNDS_ON_BUS = scaled(100);
const ROUNDS_BY_HTTP = scaled(10);
/** So many requests a client has under way, on connections of their own. */
const CONNECTIONS = 256;

const ONE = { ok: 1, token_used: VALIDATIONS - 1 };

let puerta: Puerta;
let tokens: TokensOverBus;

beforeAll(async () => {
  puerta = await startPuerta({ replicas: { 'token-service': 3 }, env: { LOG_LEVEL: 'warn' } });
  tokens = await TokensOverBus.open(puerta);
}, 120_000);

afterAll(async () => {
  await tokens?.close();
  await puerta?.stop();
});

it(`${ROUNDS_ON_BUS} times, of ${VALIDATIONS} that validate a token at once over three replicas, one succeeds`, async () => {
  const started = performance.now();
  for (let round = 0; round < ROUNDS_ON_BUS; round += 1) {
    const token = await tokens.issue();
    const codes = await Promise.all(Array.from({ length: VALIDATIONS }, () => tokens.redeem(token)));
    expect(count(codes)).toEqual(ONE);
  }
  const rate = (ROUNDS_ON_BUS * VALIDATIONS * 1_000) / (performance.now() - started);
  console.log(
    `${ROUNDS_ON_BUS} × ${VALIDATIONS} validations over the bus: one success each; ${rate.toFixed(0)}/s, ${tokens.repeats} asked again`,
  );
}, 1_200_000);

it(`${ROUNDS_BY_HTTP} times the same through the gateway`, async () => {
  const { token: access } = await administrator(puerta.api());
  let repeats = 0;
  const validate = async (token: string): Promise<string> => {
    const headers = { 'idempotency-key': randomUUID() };
    for (;;) {
      const { status, body } = await puerta
        .api()
        .post<{ code?: string }>('/token/validate', { token }, { token: access, headers });
      const code = status === 200 ? 'ok' : (body.code ?? String(status));
      if (!isUnsettled(code)) return code;
      repeats += 1;
      await sleep(200);
    }
  };
  const started = performance.now();
  for (let round = 0; round < ROUNDS_BY_HTTP; round += 1) {
    const { token } = expectStatus(
      await puerta.api().post<CreatedToken>('/token/create', { ttl_seconds: 600 }, { token: access }),
      201,
    );
    const codes: string[] = [];
    let begun = 0;
    const client = async (): Promise<void> => {
      while (begun++ < VALIDATIONS) codes.push(await validate(token));
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    expect(count(codes)).toEqual(ONE);
  }
  const rate = (ROUNDS_BY_HTTP * VALIDATIONS * 1_000) / (performance.now() - started);
  console.log(
    `${ROUNDS_BY_HTTP} × ${VALIDATIONS} validations through the gateway: one success each; ${rate.toFixed(0)}/s, ${repeats} asked again`,
  );
}, 900_000);
