import type { Puerta } from '@puerta/testing';
import { busCounts, issueMany } from '../support/load';
import { administrator, expectStatus } from '../support/people';
import { doubled } from '../support/shared-puerta';
import type { Card, CardPage } from '@puerta/contracts';

let puerta: Puerta;

beforeAll(async () => {
  puerta = await doubled.start();
}, 120_000);

it('shares 100 commands between two replicas of everything: each has one effect', async () => {
  const admin = await administrator(puerta.api());
  const { cards } = await issueMany(puerta, admin.token, { commands: 100, callers: 20 });
  expect(new Set(cards.map((card) => card.card_id)).size).toBe(100);
  expect(cards.map((card) => Number(card.number.slice(3))).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, n) => 10_001 + n),
  );
  const { total } = expectStatus(await puerta.api(1).get<CardPage>('/cards?count=true', { token: admin.token }), 200);
  expect(total).toBe(100);
  for (const handled of await busCounts(puerta, 'card-issuer', 'cards.issue')) expect(handled).toBeGreaterThan(10);
}, 60_000);

it('issues one card for one Idempotency-Key, asked twenty times at once at both gateways', async () => {
  const admin = await administrator(puerta.api());
  const headers = { 'idempotency-key': 'one-card' };
  const body = { holder: { name: 'Luis Rojas' } };
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => puerta.api(n % 2).post<Card>('/cards', body, { token: admin.token, headers })),
  );
  const cards = answers.map((answer) => expectStatus(answer, 201));
  expect(new Set(cards.map((card) => JSON.stringify(card))).size).toBe(1);
  const other = await puerta.api().post('/cards', { holder: { name: 'Eva' } }, { token: admin.token, headers });
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  const { total } = expectStatus(await puerta.api().get<CardPage>('/cards?count=true', { token: admin.token }), 200);
  expect(total).toBe(1);
});

it('goes on when one replica of each service is killed: after asking again, every command has exactly one effect', async () => {
  const admin = await administrator(puerta.api());
  const working = issueMany(puerta, admin.token, {
    commands: 150,
    callers: 15,
    onProgress: async (done) => {
      if (done !== 30) return;
      await Promise.all(
        (['card-issuer', 'identity', 'token-service'] as const).map((app) => puerta.replicas[app][1]?.kill()),
      );
      await Promise.all(
        (['card-issuer', 'identity', 'token-service'] as const).map((app) => puerta.replicas[app][1]?.start()),
      );
    },
  });
  const { cards, longestMs } = await working;
  expect(new Set(cards.map((card) => card.card_id)).size).toBe(150);
  const { total } = expectStatus(await puerta.api().get<CardPage>('/cards?count=true', { token: admin.token }), 200);
  expect(total).toBe(150);
  expect(longestMs).toBeLessThan(12_000);
}, 120_000);

it('fails no command when a replica is stopped in good order', async () => {
  const admin = await administrator(puerta.api());
  const stopping = puerta.replicas.identity[1];
  const working = issueMany(puerta, admin.token, { commands: 60, callers: 10, retry: false });
  await stopping?.stop();
  const { cards, failures } = await working;
  expect(failures).toEqual([]);
  expect(cards).toHaveLength(60);
  await stopping?.start();
}, 60_000);
