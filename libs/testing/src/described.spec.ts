import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerOf } from './described';
import { HttpClient } from './http';

/** What a gateway would answer, and what each test makes of it. */
const RIGHT = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'request-1' },
  body: JSON.stringify(answerOf('getCard')),
};
const card = (changes: object): string => JSON.stringify({ ...answerOf('getCard'), ...changes });
const headers = (changes: object) => ({ headers: { ...RIGHT.headers, ...changes } });

describe('a client of the tests', () => {
  let server: Server;
  let answer: { status: number; headers: Record<string, string>; body: string };
  const get = (path = '/api/v1/cards/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11', changes: Partial<typeof answer> = {}) => {
    answer = { ...RIGHT, ...changes };
    return new HttpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).get(path);
  };

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(answer.status, answer.headers).end(answer.body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('takes what the documentation describes, and what is no part of the API', async () => {
    await expect(get()).resolves.toMatchObject({ status: 200 });
    await expect(get('/docs', { ...headers({ 'content-type': 'text/html' }), body: '<p>' })).resolves.toBeDefined();
  });

  it.each([
    [
      'a field that it does not know',
      { body: card({ secret: 1 }) },
      'unevaluated properties {"unevaluatedProperty":"secret"}',
    ],
    ['one in a part', { body: card({ holder: { name: 'x' } }) }, "/holder must have required property 'email'"],
    ['a field that is missing', { body: card({ number: undefined }) }, "must have required property 'number'"],
    ['one of another type', { body: card({ photo_url: 7 }) }, '/photo_url must be string,null'],
    ['one of another form', { body: card({ issued_at: 'today' }) }, '/issued_at must match format "date-time"'],
    ['a status', { status: 206 }, 'status 206 is not declared'],
    ['a content type', headers({ 'content-type': 'text/plain' }), 'content type text/plain is not declared'],
    ['a header', headers({ 'x-internal': '1' }), 'header x-internal is not declared'],
    ['a header that is missing', { headers: { 'content-type': 'application/json' } }, 'header X-Request-ID is missing'],
    ['a header of another form', headers({ 'x-request-id': 'two words' }), 'header X-Request-ID "two words"'],
    [
      'an error of another route',
      problem(404, 'company_not_found'),
      '/code must be equal to one of the allowed values',
    ],
    ['an error without its headers', problem(503, 'service_unavailable'), 'header Retry-After is missing'],
    ['an early error that is none', problem(418, 'internal'), '/code must be equal to one of the allowed values'],
  ])('refuses %s, which is not as described', async (_, changes, reason) => {
    await expect(get(undefined, changes as Partial<typeof answer>)).rejects.toThrow(reason);
  });

  it('does not take a problem that is none where nothing is described', async () => {
    const { status, ...rest } = problem(404, 'nothing');
    await expect(get('/nowhere', { status, ...rest })).rejects.toThrow('/code must be equal');
  });
});

function problem(status: number, code: string): typeof RIGHT {
  const type = 'application/problem+json; charset=utf-8';
  const texts = { type: `https://x.example/docs/errors#${code}`, title: 'x', detail: 'x', instance: '/' };
  return {
    status,
    ...headers({ 'content-type': type, 'content-language': 'en' }),
    body: JSON.stringify({ ...texts, status, code, request_id: 'request-1' }),
  };
}
