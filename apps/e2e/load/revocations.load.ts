import { setTimeout as sleep } from 'node:timers/promises';
import { type Puerta, scaled, startPuerta } from '@puerta/testing';
import { register } from '../src/support/people';
import { query } from '../src/support/rows';

const REVOCATIONS = scaled(1_200);
/** Under way at a time, so that each is one among others and the machine is not the thing measured. */
const AT_ONCE = 6;
const GATEWAYS = [0, 1, 2];
const BOUND_MS = 1_000;
/** What a gateway answers by itself to this request once it has let the token pass. */
const PASSED = 422;

let puerta: Puerta;

beforeAll(async () => {
  puerta = await startPuerta({ replicas: { gateway: 3, identity: 2, 'token-service': 1, 'card-issuer': 1 } });
}, 120_000);

afterAll(() => puerta?.stop());

const ask = async (n: number, token: string): Promise<string | number> => {
  const { status, body } = await puerta.api(n).get<{ code?: string }>('/users/me/activity?limit=x', { token });
  return status === PASSED ? PASSED : (body.code ?? status);
};

/** When the n-th gateway let the token pass for the last time, after `from`. */
async function untilRefused(n: number, token: string, from: number): Promise<number> {
  let last = from;
  for (;;) {
    const asking = performance.now();
    const answer = await ask(n, token);
    if (answer === 'session_revoked') return last - from;
    if (answer !== PASSED) throw new Error(`gateway ${n} answered ${answer}`);
    last = Math.max(last, asking);
    if (performance.now() - from > 10_000)
      throw new Error(`gateway ${n} has let a revoked session pass for ten seconds`);
    await sleep(2);
  }
}

it(`refuses each of ${REVOCATIONS} revoked sessions at each of three gateways within a second`, async () => {
  const times: number[] = [];
  let left = REVOCATIONS;
  const revokeOn = async (lane: number): Promise<void> => {
    while (left-- > 0) {
      const session = await register(puerta.api(lane % 3));
      const token = session.access_token;
      for (const n of [...GATEWAYS, ...GATEWAYS]) expect(await ask(n, token)).toBe(PASSED);
      await query(puerta.database.url, 'UPDATE identity.sessions SET revoked_at = now() WHERE user_id = $1', [
        session.user_id,
      ]);
      const from = performance.now();
      times.push(...(await Promise.all(GATEWAYS.map((n) => untilRefused(n, token, from)))));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_none, lane) => revokeOn(lane)));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? NaN;
  const shown = [0.5, 0.99, 0.999, 1].map((share) => `p${share * 100} ${at(share).toFixed(0)} ms`).join(', ');
  console.log(`${times.length} refusals after ${REVOCATIONS} revocations: ${shown}`);
  expect(at(1)).toBeLessThan(BOUND_MS);
});
