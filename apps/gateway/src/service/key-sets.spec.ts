import type { KeySet, KeyUse } from '@puerta/contracts';
import { HttpClient } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';

const key = (kid: string) => ({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid, use: 'sig', alg: 'ES256' }) as const;

let gateway: TestGateway;
let http: HttpClient;
let sets: Record<KeyUse, KeySet>;
let calls: KeyUse[];

const realNow = performance.now.bind(performance);
let gone = 0;

/** So that what was read last is not fresh any more. */
const later = () => (gone += 6_000);

beforeAll(async () => {
  jest.spyOn(performance, 'now').mockImplementation(() => realNow() + gone);
  gateway = await startTestGateway();
  http = new HttpClient(gateway.url);
});

afterAll(async () => {
  await gateway.stop();
  jest.restoreAllMocks();
});

beforeEach(() => {
  sets = {
    access: { keys: [key('access-1')] },
    ticket: { keys: [key('tik1')] },
    assertion: { keys: [key('assert-1')] },
  };
  calls = [];
  gateway.fakes.set('keys.public', ({ use }) => {
    calls.push(use as KeyUse);
    return sets[use as KeyUse];
  });
  later();
});

const paths: [string, KeyUse][] = [
  ['/.well-known/jwks.json', 'access'],
  ['/.well-known/ticket-jwks.json', 'ticket'],
  ['/.well-known/assertion-jwks.json', 'assertion'],
];

describe.each(paths)('%s', (path, use) => {
  const get = (tag?: string) => http.get<KeySet>(path, tag ? { headers: { 'if-none-match': tag } } : {});

  it('has the keys of its use alone, for anybody to keep for a while', async () => {
    const { status, headers, body } = await get();
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    expect(headers.get('content-type')).toMatch(/^application\/jwk-set\+json/);
    expect(body).toEqual(sets[use]);
    // The guards read the keys of access tokens at times of their own.
    expect(new Set(['access', ...calls])).toEqual(new Set(['access', use]));
    expect(calls).toContain(use);
  });

  it('answers 304 to who has them, and the new ones when they are others', async () => {
    const tag = (await get()).headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    for (const list of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const { status, headers } = await get(list);
      expect([status, headers.get('etag'), headers.get('cache-control')]).toEqual([304, tag, 'public, max-age=300']);
    }
    sets[use] = { keys: [key('new'), ...sets[use].keys] };
    later();
    const { status, headers, body } = await get(tag);
    expect([status, body]).toEqual([200, sets[use]]);
    expect(headers.get('etag')).not.toBe(tag);
  });

  it('shows what it has while the token service is away', async () => {
    await get();
    gateway.fakes.delete('keys.public');
    later();
    expect(await get()).toMatchObject({ status: 200, body: sets[use] });
  });
});

it('the token service is asked once, however many ask at the same time, and not again for some seconds', async () => {
  // The keys of tickets: those of access tokens the guards read too.
  const get = () => http.get('/.well-known/ticket-jwks.json');
  await Promise.all(Array.from({ length: 30 }, get));
  await get();
  expect(calls.filter((use) => use === 'ticket')).toHaveLength(1);
});
