import { randomUUID } from 'node:crypto';
import { DomainError, type ErrorCode } from '@puerta/contracts/core';
import { answerOf, HttpClient } from '@puerta/testing';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const TOKEN = 'A'.repeat(72);
const PATHS = ['create', 'validate', 'peek'] as const;
const PATTERNS = { create: 'issue', validate: 'redeem', peek: 'peek' } as const;

let gateway: TestGateway;
let http: HttpClient;
let token: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  http = new HttpClient(gateway.url);
  token = gateway.accessToken();
});

afterAll(() => gateway.stop());

beforeEach(() => {
  gateway.asked.length = 0;
  gateway.fakes.set('single-use-tokens.issue', () => answerOf('createSingleUseToken'));
  gateway.fakes.set('single-use-tokens.revoke', () => ({ revoked: true }));
  for (const verb of ['redeem', 'peek'])
    gateway.fakes.set(`single-use-tokens.${verb}`, () => answerOf('validateSingleUseToken'));
});

it.each(PATHS)('%s asks as the user, with the Idempotency-Key', async (path) => {
  const body = path === 'create' ? { payload: [1] } : { token: TOKEN };
  const answer = await http.post(`/api/v1/token/${path}`, body, { token, headers: { 'idempotency-key': 'key-1' } });
  expect(answer.status).toBe(path === 'create' ? 201 : 200);
  expect(gateway.asked).toMatchObject([
    {
      pattern: `single-use-tokens.${PATTERNS[path]}`,
      data: body,
      options: { actor: { user_id: ACTOR.user_id }, idempotencyKey: 'key-1' },
    },
  ]);
});

it('takes a token back by its id, and refuses what is no id', async () => {
  expect((await http.delete(`/api/v1/token/${ID}`, { token })).status).toBe(204);
  expect(gateway.asked).toMatchObject([{ pattern: 'single-use-tokens.revoke', data: { token_id: ID } }]);
  for (const wrong of [randomUUID(), ` ${ID}`, `${ID}%20`, `${ID.slice(1)}B`, `${ID}%00`]) {
    expect(await http.delete(`/api/v1/token/${wrong.replace(' ', '%20')}`, { token })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
  }
});

it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])(
  '%s uses nothing up: what fetches links beforehand does no harm',
  async (method) => {
    for (const path of PATHS) {
      const headers = {
        authorization: `Bearer ${token}`,
        'sec-purpose': 'prefetch;prerender',
        'x-http-method-override': 'POST',
      };
      const answer = await fetch(`${gateway.url}/api/v1/token/${path}?token=${TOKEN}`, { method, headers });
      expect(answer.status).toBe(method === 'DELETE' ? 422 : 405);
      if (method !== 'DELETE') expect(answer.headers.get('allow')).toBe('DELETE, OPTIONS, POST');
    }
    expect(gateway.asked).toEqual([]);
  },
);

it.each(PATHS)('%s needs a user, and no more', async (path) => {
  const body = path === 'create' ? {} : { token: TOKEN };
  expect(await http.post(`/api/v1/token/${path}`, body)).toMatchObject({
    status: 401,
    body: { code: 'unauthenticated' },
  });
  expect(await http.post(`/api/v1/token/${path}`, body, { token: gateway.scanPass() })).toMatchObject({ status: 401 });
  const alone = gateway.accessToken({ company_id: undefined, roles: [] });
  expect((await http.post(`/api/v1/token/${path}`, body, { token: alone })).status).toBeLessThan(300);
});

const refusals: [ErrorCode, number, en: string, es: string][] = [
  ['token_used', 410, 'The token was used before', 'El token ya se había usado'],
  ['token_expired', 410, 'The token has expired', 'El token ha caducado'],
  ['token_unknown', 404, 'There is no such token', 'No existe ese token'],
  [
    'token_binding_mismatch',
    409,
    'The token is for another purpose or subject; it was not used up',
    'El token es para otro fin u otro sujeto; no se ha gastado',
  ],
];

it.each(refusals)('tells %s apart, in either language', async (code, status, en, es) => {
  const used_at = '2026-11-25T09:00:00.000Z';
  for (const verb of ['redeem', 'peek']) {
    gateway.fakes.set(`single-use-tokens.${verb}`, () => {
      throw new DomainError(code, code === 'token_used' ? { meta: { used_at } } : {});
    });
  }
  for (const path of ['validate', 'peek']) {
    for (const [language, title] of [
      ['en', en],
      ['es', es],
    ]) {
      const answer = await http.post(
        `/api/v1/token/${path}`,
        { token: TOKEN },
        { token, headers: { 'accept-language': language ?? '' } },
      );
      expect(answer).toMatchObject({ status, body: { code, title } });
      expect(answer.body['used_at']).toBe(code === 'token_used' ? used_at : undefined);
    }
  }
});

it('says for how long no code is looked at', async () => {
  gateway.fakes.set('single-use-tokens.redeem', () => {
    throw new DomainError('too_many_attempts', { meta: { retry_after: 900 } });
  });
  const answer = await http.post('/api/v1/token/validate', { token: '123456', purpose: 'a', subject: 'b' }, { token });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '900']);
});

describe('refuses', () => {
  const create = (body: string) =>
    http.post('/api/v1/token/create', body, { token, headers: { 'content-type': 'application/json' } });

  it.each<[what: string, body: string, field: string, code: string]>([
    ['an unknown field', '{"payload":1,"admin":true}', 'admin', 'unknown_field'],
    ['a life of nothing', '{"ttl_seconds":0}', 'ttl_seconds', 'out_of_range'],
    ['a life of more than a day', '{"ttl_seconds":86401}', 'ttl_seconds', 'out_of_range'],
    ['half a second', '{"ttl_seconds":1.5}', 'ttl_seconds', 'wrong_type'],
    ['a life in words', '{"ttl_seconds":"10"}', 'ttl_seconds', 'wrong_type'],
    ['another format', '{"format":"jwt"}', 'format', 'bad_choice'],
    ['an empty purpose', '{"purpose":""}', 'purpose', 'too_short'],
    ['a purpose with control characters', '{"purpose":"a\\u0000"}', 'purpose', 'forbidden_characters'],
    ['a subject that is a list', '{"subject":["a"]}', 'subject', 'wrong_type'],
    ['a payload of more than 4 KiB', `{"payload":"${'é'.repeat(2_048)}"}`, 'payload', 'too_large'],
    [
      'a payload of a thousand levels',
      `{"payload":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
      'payload.0.0.0.0.0.0.0',
      'too_deep',
    ],
    ['a payload with __proto__', '{"payload":{"__proto__":{"admin":true}}}', 'payload.__proto__', 'unknown_field'],
    ['a lone surrogate', '{"payload":"\\ud800"}', 'payload', 'forbidden_characters'],
    ['a number beyond all', '{"payload":1e999}', 'payload', 'out_of_range'],
    [
      'a number that would come back as another one',
      '{"payload":{"n":12345678901234567890}}',
      'payload.n',
      'out_of_range',
    ],
  ])('%s', async (_, body, field, code) => {
    const answer = await create(body);
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ field, code }] } });
    expect(gateway.asked).toEqual([]);
  });

  it.each([
    {},
    { token: '' },
    { token: 7 },
    { token: ['a'] },
    { token: 'x'.repeat(129) },
    { token: TOKEN, admin: 1 },
    { token: null },
  ])('to validate %j', async (body) => {
    expect(await http.post('/api/v1/token/validate', body, { token })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
    expect(gateway.asked).toEqual([]);
  });
});

it('passes a token on as it was written, white space included', async () => {
  await http.post('/api/v1/token/validate', { token: ` ${TOKEN}\n` }, { token });
  expect(gateway.asked).toMatchObject([{ data: { token: ` ${TOKEN}\n` } }]);
});

it('describes any JSON as the payload, and nothing of it in the log', async () => {
  const canary = `canary-${randomUUID()}`;
  gateway.fakes.set('single-use-tokens.redeem', () => ({
    valid: true,
    token_id: ID,
    purpose: null,
    payload: canary,
    created_by: ID,
    created_at: '2026-11-25T09:00:00.000Z',
  }));
  await http.post('/api/v1/token/create', { payload: canary, subject: canary }, { token });
  expect(await http.post('/api/v1/token/validate', { token: canary }, { token })).toMatchObject({
    status: 200,
    body: { payload: canary },
  });
  expect(gateway.lines.join('\n')).not.toContain(canary);
});
