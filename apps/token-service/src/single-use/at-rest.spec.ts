import { randomUUID } from 'node:crypto';
import { testRedisUrl } from '@puerta/testing';
import { Redis } from 'ioredis';
import { callBy, callOf, codeOf, somebody, Tokens, type TokensReplica } from '../../test/tokens';

let tokens: Tokens;
let replica: TokensReplica;
let redis: Redis;

beforeEach(async () => {
  redis = new Redis(testRedisUrl());
  tokens = new Tokens();
  replica = await tokens.replica();
});

afterEach(async () => {
  await tokens.close();
  redis.disconnect();
});

const ana = somebody();

async function entries(): Promise<{ key: string; value: string; ttl: number }[]> {
  const keys = (await redis.keys(`${tokens.prefix}:tokens:*`)).sort();
  return Promise.all(
    keys.map(async (key) => ({
      key,
      value: (await redis.get(key)) ?? '',
      ttl: await redis.pttl(key),
    })),
  );
}

it('all of it goes by itself: tokens when they expire, used ones an hour later, codes too, guesses after 15 minutes, answers after a day', async () => {
  // Up to the next ten: on a busy machine some seconds have gone by already.
  const seconds = async () => (await entries()).map(({ ttl }) => Math.ceil(ttl / 10_000) * 10).sort((a, b) => a - b);
  const { token } = await replica.issue(callOf(ana), { ttl_seconds: 100 });
  expect(await seconds()).toEqual([100]);
  await replica.redeem(callOf(ana), token);
  expect(await seconds()).toEqual([3_700]);
  const claim = { purpose: 'login', subject: 'ana' };
  await replica.issue(callOf(ana, randomUUID()), { ...claim, format: 'code', ttl_seconds: 100 });
  // The code, and that it is its maker's.
  expect(await seconds()).toEqual([3_700, 3_700, 3_700, 86_400]);
  await codeOf(replica.peek(callOf(ana), { ...claim, token: '0000000000' }));
  expect(await seconds()).toEqual([900, 900, 3_700, 3_700, 3_700, 86_400]);
});

it('nothing of it can be read: neither tokens and codes, nor ids, owners, purposes, subjects and payloads', async () => {
  const words = ['canary-purpose', 'canary-subject', 'canary-payload', 'canary-key'] as const;
  const [purpose, subject, payload, key] = words;
  const opaque = await replica.issue(callOf(ana, key), { purpose, subject, payload });
  const code = await replica.issue(callOf(ana, `${key}-2`), {
    purpose,
    subject,
    payload,
    format: 'code',
    ttl_seconds: 60,
  });
  await replica.issue(callBy('identity'), { purpose, subject, payload });
  await replica.redeem(callOf(ana, key), { purpose, subject, token: code.token });
  const all = JSON.stringify((await entries()).map(({ key: name, value }) => [name, value]));
  const owners = [ana.user_id, ana.company_id ?? '', 'identity'];
  for (const secret of [...words, ...owners, opaque.token, opaque.token_id, code.token_id]) {
    expect(all).not.toContain(secret);
    expect(all).not.toContain(Buffer.from(secret).toString('base64url').slice(0, -2));
  }
  expect(all).not.toMatch(new RegExp(`\\b${code.token}\\b`));
});

it('the keys of one owner are in one hash slot', async () => {
  const claim = { purpose: 'login', subject: 'ana' };
  await replica.issue(callOf(ana, 'key'), { ...claim, format: 'code' });
  await codeOf(replica.peek(callOf(ana), { ...claim, token: '0000000000' }));
  const tags = (await entries()).map(({ key }) => /\{(\d+)\}/.exec(key)?.[1]);
  expect([tags.length, new Set(tags).size]).toEqual([5, 1]);
});
