import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { isErrorCode } from '@puerta/contracts/core';
import { expectDescribed, type Puerta } from '@puerta/testing';
import { administrator, holder, issueCard, PASSWORD, type Administrator } from '../support/people';
import { snapshot } from '../support/rows';
import { single } from '../support/shared-puerta';

let puerta: Puerta;
let admin: Administrator;
let cardId: string;
/** What the apps had written before. */
let logged: number;
/** The page that explains every code, in English. */
let documented: string;

beforeAll(async () => {
  puerta = await single.start();
  logged = puerta.logs.length;
  documented = await (await fetch(`${puerta.url}/docs/errors`)).text();
  admin = await administrator(puerta.api());
  cardId = (await issueCard(puerta.api(), admin.token)).card_id;
}, 120_000);

interface Raw {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Sends bytes as they are; `fetch` would tidy them. */
function send(
  method: string,
  path: string,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', authorization: `Bearer ${admin.token}`, ...headers };
    const request = httpRequest(`${puerta.url}`, { method, path, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const [status, type] = [response.statusCode ?? 0, response.headers['content-type'] ?? ''];
        const text = Buffer.concat(chunks).toString();
        const headers = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
        const shown: unknown = /json/.test(type) ? JSON.parse(text) : text;
        try {
          expectDescribed({ method, path: path.split('?')[0] ?? '', status, headers, body: shown });
          resolve({ status, type, body: text });
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    // An early refusal may close the connection while the body is still being written.
    request.on('error', reject);
    request.end(body);
  });
}

/** Writes bytes to the socket and reads what comes until it is closed. */
function sendBytes(bytes: string): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(puerta.url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer, only: ${text}`)));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve({
        status: Number(head.split(' ')[1]),
        type: /content-type: ([^\r]+)/i.exec(head)?.[1] ?? '',
        body: body.includes('{') ? body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1) : body,
      });
    });
  });
}

function expectProblem(answer: Raw, status: number, code?: string): void {
  expect(answer.type).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(answer.body) as Record<string, unknown>;
  expect(isErrorCode(problem['code'])).toBe(true);
  expect(problem['status']).toBe(answer.status);
  expect(documented).toContain(`<h2><code>${String(problem['code'])}</code> · ${answer.status}</h2>`);
  expect(Object.keys(problem)).toEqual(
    expect.arrayContaining(['type', 'title', 'status', 'detail', 'instance', 'code', 'request_id']),
  );
  expect(answer.body).not.toMatch(/node_modules|\bat \w+ \(|Error:/);
  expect(answer.status).toBe(status);
  if (code) expect(problem['code']).toBe(code);
}

const json = (value: unknown) => JSON.stringify(value);
const registration = () => ({ name: 'Ana', email: `${randomUUID()}@example.com`, password: PASSWORD });
const big = 'x'.repeat(1 << 20);

/** Every row: what is wrong, the request, and what must come of it. */
const cases: readonly [string, () => Promise<Raw>, number, string?][] = [
  [
    'a form instead of JSON',
    () => send('POST', '/api/v1/cards', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
  ],
  ['XML', () => send('POST', '/api/v1/cards', '<a/>', { 'content-type': 'application/xml' }), 415],
  ['text', () => send('POST', '/api/v1/users/login', 'hello', { 'content-type': 'text/plain' }), 415],
  [
    'another charset',
    () =>
      send('POST', '/api/v1/cards', json({ holder: holder() }), { 'content-type': 'application/json; charset=utf-16' }),
    415,
  ],
  ['broken JSON', () => send('POST', '/api/v1/cards', '{"holder":{"name":"Luis"'), 400, 'malformed_json'],
  ['a comment in JSON', () => send('POST', '/api/v1/cards', '{/**/}'), 400, 'malformed_json'],
  ['no body', () => send('POST', '/api/v1/cards'), 422, 'validation_failed'],
  ['a JSON string', () => send('POST', '/api/v1/cards', '"Luis"'), 422, 'validation_failed'],
  ['JSON null', () => send('POST', '/api/v1/cards', 'null'), 422, 'validation_failed'],
  [
    'an array for the body',
    () => send('POST', '/api/v1/cards', json([{ holder: holder() }])),
    422,
    'validation_failed',
  ],
  [
    'an array for an object',
    () => send('POST', '/api/v1/cards', json({ holder: [holder()] })),
    422,
    'validation_failed',
  ],
  [
    'an object for a string',
    () => send('POST', '/api/v1/cards', json({ holder: { name: { $ne: '' } } })),
    422,
    'validation_failed',
  ],
  [
    'an unknown field',
    () => send('POST', '/api/v1/cards', json({ holder: holder(), status: 'revoked' })),
    422,
    'validation_failed',
  ],
  [
    'an unknown nested field',
    () => send('POST', '/api/v1/cards', json({ holder: { ...holder(), admin: true } })),
    422,
    'validation_failed',
  ],
  ['a null byte', () => send('POST', '/api/v1/cards', json({ holder: { name: 'Luis\0' } })), 422, 'validation_failed'],
  [
    'a bidirectional override',
    () => send('POST', '/api/v1/cards', json({ holder: { name: 'Luis\u202egnp' } })),
    422,
    'validation_failed',
  ],
  [
    'a lone surrogate',
    () => send('POST', '/api/v1/cards', '{"holder":{"name":"Luis\\ud800"}}'),
    422,
    'validation_failed',
  ],
  [
    'a megabyte in a string',
    () => send('POST', '/api/v1/cards', json({ holder: { name: big } })),
    413,
    'payload_too_large',
  ],
  [
    'a megabyte, chunked',
    () => send('POST', '/api/v1/cards', json({ holder: { name: big } }), { 'transfer-encoding': 'chunked' }),
    413,
  ],
  [
    'a string at the body limit',
    () => send('POST', '/api/v1/cards', json({ holder: { name: 'x'.repeat(60_000) } })),
    422,
    'validation_failed',
  ],
  [
    'a thousand levels',
    () => send('POST', '/api/v1/cards', `${'{"holder":'.repeat(1_000)}1${'}'.repeat(1_000)}`),
    422,
    'validation_failed',
  ],
  ['ten thousand brackets', () => send('POST', '/api/v1/cards', '['.repeat(10_000)), 400, 'malformed_json'],
  [
    'a __proto__ key',
    () => send('POST', '/api/v1/cards', '{"holder":{"name":"Luis"},"__proto__":{"role":"owner"}}'),
    422,
  ],
  [
    'a nested __proto__ key',
    () => send('POST', '/api/v1/cards', '{"holder":{"name":"Luis","__proto__":{"a":1}}}'),
    422,
  ],
  [
    'a constructor key',
    () => send('POST', '/api/v1/users/register', json({ ...registration(), constructor: { prototype: { a: 1 } } })),
    422,
  ],
  [
    'invalid UTF-8',
    () =>
      send(
        'POST',
        '/api/v1/cards',
        Buffer.from('7b22686f6c646572223a7b226e616d65223a22ff22 7d7d'.replaceAll(' ', ''), 'hex'),
      ),
    400,
  ],
  [
    'overlong UTF-8',
    () =>
      send(
        'POST',
        '/api/v1/cards',
        Buffer.concat([Buffer.from('{"holder":{"name":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}}')]),
      ),
    400,
  ],
  ['a number that is not whole', () => send('GET', '/api/v1/cards?limit=1.5'), 422, 'validation_failed'],
  ['a limit of a million', () => send('GET', '/api/v1/cards?limit=1000000'), 422, 'validation_failed'],
  ['a parameter given twice', () => send('GET', '/api/v1/cards?limit=1&limit=2'), 422, 'validation_failed'],
  ['a parameter as an object', () => send('GET', '/api/v1/cards?limit[a]=1'), 422, 'validation_failed'],
  ['a parameter we do not know', () => send('GET', '/api/v1/cards?sort=name'), 422, 'validation_failed'],
  ['a cursor of another making', () => send('GET', '/api/v1/cards?cursor=eyJpZCI6MX0'), 422, 'validation_failed'],
  ['a cursor that is not base64url', () => send('GET', '/api/v1/cards?cursor=%00%ff'), 422, 'validation_failed'],
  ['an over-long parameter', () => send('GET', `/api/v1/cards?q=${'x'.repeat(5_000)}`), 414, 'uri_too_long'],
  ['an over-long path parameter', () => send('GET', `/api/v1/cards/${'x'.repeat(3_000)}`), 414, 'uri_too_long'],
  ['a wrong UUID', () => send('GET', '/api/v1/cards/26-10001'), 422, 'validation_failed'],
  [
    'a wrong UUID in a body',
    () => send('POST', '/api/v1/users/me/ensure-company', json({ company_id: 'universidad' })),
    422,
    'validation_failed',
  ],
  [
    'a UUID with quotes',
    () => send('GET', `/api/v1/cards/${encodeURIComponent("' OR 1=1 --")}`),
    422,
    'validation_failed',
  ],
  ['a null byte in the path', () => send('GET', '/api/v1/cards/%00'), 422, 'validation_failed'],
  ['a percent sign alone', () => send('GET', '/api/v1/cards/%'), 400, 'bad_request'],
  ['a broken escape', () => send('GET', '/%E0%A4%A'), 400, 'bad_request'],
  ['dots in the path', () => send('GET', '/api/v1/../../etc/passwd'), 404],
  ['a path nobody has', () => send('GET', '/api/v2/cards'), 404, 'not_found'],
  ['another method', () => send('DELETE', '/api/v1/cards', ''), 405, 'method_not_allowed'],
  ['PUT on a card', () => send('PUT', `/api/v1/cards/${cardId}`, json({ holder: holder() })), 405],
  ['a method from nowhere', () => send('PROPFIND', '/api/v1/cards'), 405, 'method_not_allowed'],
  ['TRACE', () => send('TRACE', '/api/v1/cards'), 405, 'method_not_allowed'],
  [
    'a time that is none',
    () => send('PATCH', `/api/v1/cards/${cardId}`, json({ valid_until: '2027-02-30T00:00:00Z' })),
    422,
  ],
  [
    'a year past what a timestamp holds',
    () => send('PATCH', `/api/v1/cards/${cardId}`, json({ valid_until: '9999-99-99T00:00:00Z' })),
    422,
  ],
  [
    'a card number of its own form',
    () => send('POST', '/api/v1/cards', json({ holder: holder(), number: 'A-1' })),
    422,
  ],
  [
    'an Idempotency-Key of a kilobyte',
    () => send('POST', '/api/v1/cards', json({ holder: holder() }), { 'idempotency-key': 'x'.repeat(1_024) }),
    422,
    'validation_failed',
  ],
  [
    'a short password',
    () => send('POST', '/api/v1/users/register', json({ ...registration(), password: 'short' })),
    422,
  ],
  [
    'a role beyond the own',
    () =>
      send('POST', `/api/v1/companies/${admin.companyId}/invitations`, json({ email: 'a@example.com', role: 'god' })),
    422,
  ],
  [
    'a company that does not exist',
    () => send('POST', '/api/v1/users/me/ensure-company', json({ company_id: randomUUID() })),
    404,
    'company_not_found',
  ],
  ['headers of 64 KiB', () => send('GET', '/api/v1/cards', '', { 'x-filler': 'x'.repeat(65_536) }), 431],
  ['a request line that is none', () => sendBytes('NONSENSE\r\n\r\n'), 400],
  ['two hosts', () => sendBytes('GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n'), 400],
  [
    'two lengths',
    () => sendBytes('POST /api/v1/cards HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'),
    400,
  ],
  [
    'length and chunks',
    () =>
      sendBytes(
        'POST /api/v1/cards HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
    400,
  ],
];

for (const [what, request, status, code] of cases) {
  it(`refuses ${what} with a problem, and changes nothing`, async () => {
    const before = await snapshot(puerta.database.url);
    const answer = await request();
    expectProblem(answer, status, code);
    expect(await snapshot(puerta.database.url)).toEqual(before);
  });
}

it('is as well as before', async () => {
  await issueCard(puerta.api(), admin.token);
  expect(puerta.logs.slice(logged)).not.toMatch(/"level":(50|60)|"level":"(error|fatal)"/);
});

it('speaks Spanish to who asks for it', async () => {
  const answer = await send('POST', '/api/v1/users/register', json({ ...registration(), name: '' }), {
    'accept-language': 'es-VE,es;q=0.9,en;q=0.5',
  });
  const problem = JSON.parse(answer.body) as { title: string; errors: { message: string }[] };
  expect(problem.title).toBe('Algunos campos no son válidos');
  expect(problem.errors[0]?.message).toContain('al menos 1');
});
