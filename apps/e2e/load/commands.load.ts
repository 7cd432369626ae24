import type { CardPage } from '@puerta/contracts';
import { startPuerta, type Puerta } from '@puerta/testing';
import { busCounts, issueMany, twoOfEach } from '../src/support/load';
import { administrator, expectStatus } from '../src/support/people';

let puerta: Puerta;

beforeAll(async () => {
  puerta = await startPuerta({ replicas: twoOfEach });
}, 120_000);

afterAll(() => puerta?.stop());

const total = async (token: string) =>
  expectStatus(await puerta.api().get<CardPage>('/cards?count=true&limit=1', { token }), 200).total;

it('runs 1,000 commands exactly once, shared between two replicas of everything', async () => {
  const admin = await administrator(puerta.api());
  const { cards, failures } = await issueMany(puerta, admin.token, { commands: 1_000, callers: 32, retry: false });
  expect(failures).toEqual([]);
  expect(new Set(cards.map((card) => card.card_id)).size).toBe(1_000);
  expect(await total(admin.token)).toBe(1_000);
  for (const handled of await busCounts(puerta, 'card-issuer', 'cards.issue')) expect(handled).toBeGreaterThan(100);
});

it('has exactly 1,000 effects after retries when each service loses a replica to kill -9, again and again', async () => {
  const admin = await administrator(puerta.api());
  const apps = ['card-issuer', 'identity', 'token-service'] as const;
  const { cards, failures, longestMs } = await issueMany(puerta, admin.token, {
    commands: 1_000,
    callers: 32,
    onProgress: async (done) => {
      if (done % 200 !== 100) return;
      for (const app of apps) {
        const replica = puerta.replicas[app][done % 400 === 100 ? 1 : 0];
        await replica?.kill();
        await replica?.start();
      }
    },
  });
  console.log(
    `${failures.length} answers were not a success: ${JSON.stringify([...new Set(failures)])}; longest ${longestMs.toFixed(0)} ms`,
  );
  expect(failures.filter((failure) => !/^50[34] /.test(failure))).toEqual([]);
  expect(new Set(cards.map((card) => card.card_id)).size).toBe(1_000);
  expect(new Set(cards.map((card) => card.number)).size).toBe(1_000);
  expect(await total(admin.token)).toBe(1_000);
  expect(longestMs).toBeLessThan(12_000);
});

it('issues 2,000 cards to 50 parallel callers over two replicas: numbers unique and without gaps', async () => {
  const admin = await administrator(puerta.api());
  const { cards } = await issueMany(puerta, admin.token, { commands: 2_000, callers: 50 });
  const serials = cards.map((card) => Number(card.number.slice(3))).sort((a, b) => a - b);
  expect(serials).toEqual(Array.from({ length: 2_000 }, (_, n) => 10_001 + n));
});
