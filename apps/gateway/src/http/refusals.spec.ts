import { answerOf } from '@puerta/testing';
import { conversation, rawRequest, sendRaw } from '../../test/raw-http';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';

const CARD = JSON.stringify({ holder: { name: 'Luis Rojas' } });
const JSON_TYPE = 'Content-Type: application/json';
const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';

/** The beginning of a sign-in, to which headers are added. */
const LOGIN = 'POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\n';

const nested = (depth: number): string => '{"holder":'.repeat(depth) + '1' + '}'.repeat(depth);

describe('what is refused', () => {
  let gateway: TestGateway;
  let token: string;

  beforeAll(async () => {
    gateway = await startTestGateway();
    for (const pattern of [
      'cards.issue',
      'cards.list',
      'cards.get',
      'users.register',
      'sessions.end',
      'cards.suspend',
    ]) {
      gateway.fakes.set(pattern, () => ({ ...answerOf('getCard'), card_id: ID }));
    }
    token = `Authorization: Bearer ${gateway.accessToken()}`;
  });

  afterAll(() => gateway.stop());

  beforeEach(() => {
    gateway.asked.length = 0;
  });

  const send = (request: Parameters<typeof rawRequest>[0]) => sendRaw(gateway.url, rawRequest(request));
  const issue = (body: string | Buffer, ...headers: string[]) =>
    send({ method: 'POST', path: '/api/v1/cards', headers: [token, ...headers], body });

  it('is nothing that is right', async () => {
    expect((await issue(CARD, JSON_TYPE)).status).toBe(201);
    expect(gateway.asked).toHaveLength(1);
  });

  describe('of a body', () => {
    it.each<[what: string, body: string | Buffer, headers: string[], status: number, code: string]>([
      [
        'another content type',
        'name=Ana',
        ['Content-Type: application/x-www-form-urlencoded'],
        415,
        'unsupported_media_type',
      ],
      ['text', CARD, ['Content-Type: text/plain'], 415, 'unsupported_media_type'],
      ['no content type', CARD, [], 415, 'unsupported_media_type'],
      [
        'a content type that only begins like JSON',
        CARD,
        ['Content-Type: application/jsonp'],
        415,
        'unsupported_media_type',
      ],
      ['a form of parts', '--x--', ['Content-Type: multipart/form-data; boundary=x'], 415, 'unsupported_media_type'],
      ['a JSON dialect', CARD, ['Content-Type: application/merge-patch+json'], 415, 'unsupported_media_type'],
      ['two content types', CARD, ['Content-Type: application/json, text/plain'], 415, 'unsupported_media_type'],
      ['a content type that is none', CARD, ['Content-Type: ;;;'], 415, 'unsupported_media_type'],
      ['another charset', CARD, ['Content-Type: application/json; charset=utf-16'], 415, 'unsupported_media_type'],
      ['a compressed body', CARD, [JSON_TYPE, 'Content-Encoding: gzip'], 415, 'unsupported_media_type'],
      ['broken JSON', '{"holder":', [JSON_TYPE], 400, 'malformed_json'],
      ['JSON with a comment', '{/* */}', [JSON_TYPE], 400, 'malformed_json'],
      ['JSON with a trailing comma', '{"holder":{},}', [JSON_TYPE], 400, 'malformed_json'],
      ['NaN', '{"holder":NaN}', [JSON_TYPE], 400, 'malformed_json'],
      ['two values', '{} {}', [JSON_TYPE], 400, 'malformed_json'],
      ['white space alone', '   ', [JSON_TYPE], 400, 'malformed_json'],
      ['a raw null byte', '{"holder":"\0"}', [JSON_TYPE], 400, 'malformed_json'],
      [
        'invalid UTF-8',
        Buffer.from([...Buffer.from('{"holder":{"name":"'), 0xff, 0xfe, ...Buffer.from('"}}')]),
        [JSON_TYPE],
        400,
        'malformed_json',
      ],
      [
        'overlong UTF-8',
        Buffer.from([...Buffer.from('{"holder":{"name":"'), 0xc0, 0xaf, ...Buffer.from('"}}')]),
        [JSON_TYPE],
        400,
        'malformed_json',
      ],
      ['UTF-16', Buffer.from(`\ufeff${CARD}`, 'utf16le'), [JSON_TYPE], 400, 'malformed_json'],
      ['an array for an object', '[]', [JSON_TYPE], 422, 'validation_failed'],
      ['null for an object', 'null', [JSON_TYPE], 422, 'validation_failed'],
      ['a text for an object', '"card"', [JSON_TYPE], 422, 'validation_failed'],
      ['an array for the holder', '{"holder":[]}', [JSON_TYPE], 422, 'validation_failed'],
      ['an object for a name', '{"holder":{"name":{"$ne":""}}}', [JSON_TYPE], 422, 'validation_failed'],
      ['an array for a name', '{"holder":{"name":["Ana"]}}', [JSON_TYPE], 422, 'validation_failed'],
      ['an unknown field', '{"holder":{"name":"Ana"},"status":"active"}', [JSON_TYPE], 422, 'validation_failed'],
      ['an unknown nested field', '{"holder":{"name":"Ana","admin":true}}', [JSON_TYPE], 422, 'validation_failed'],
      ['an escaped null byte', '{"holder":{"name":"Ana\\u0000"}}', [JSON_TYPE], 422, 'validation_failed'],
      ['a lone surrogate', '{"holder":{"name":"Ana\\ud800"}}', [JSON_TYPE], 422, 'validation_failed'],
      [
        'a text of 60,000 characters',
        JSON.stringify({ holder: { name: 'x'.repeat(60_000) } }),
        [JSON_TYPE],
        422,
        'validation_failed',
      ],
      [
        'a text of a megabyte',
        JSON.stringify({ holder: { name: 'x'.repeat(1 << 20) } }),
        [JSON_TYPE],
        413,
        'payload_too_large',
      ],
      ['deep nesting', nested(2_000), [JSON_TYPE], 422, 'validation_failed'],
      ['deep arrays', '['.repeat(30_000) + ']'.repeat(30_000), [JSON_TYPE], 422, 'validation_failed'],
      ['__proto__', '{"holder":{"name":"Ana"},"__proto__":{"admin":true}}', [JSON_TYPE], 422, 'validation_failed'],
      [
        'a nested __proto__',
        '{"holder":{"name":"Ana","__proto__":{"user_id":"x"}}}',
        [JSON_TYPE],
        422,
        'validation_failed',
      ],
      [
        'constructor',
        '{"holder":{"name":"Ana"},"constructor":{"prototype":{"admin":true}}}',
        [JSON_TYPE],
        422,
        'validation_failed',
      ],
      ['a wrong UUID', '{"holder":{"name":"Ana","user_id":"123"}}', [JSON_TYPE], 422, 'validation_failed'],
      [
        'a day that does not exist',
        '{"holder":{"name":"Ana"},"valid_until":"2027-02-30T00:00:00Z"}',
        [JSON_TYPE],
        422,
        'validation_failed',
      ],
      [
        'a thousand unknown fields',
        JSON.stringify(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n]))),
        [JSON_TYPE],
        422,
        'validation_failed',
      ],
    ])('%s', async (_what, body, headers, status, code) => {
      const answer = await issue(body, ...headers);
      expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.body['request_id']).toBe(answer.headers['x-request-id']);
      expect(answer.text).not.toMatch(/at .*\.[jt]s|node_modules|FST_|Exception/);
      expect(gateway.asked).toEqual([]);
      expect(({} as { admin?: unknown }).admin).toBeUndefined();
    });

    it('takes UTF-8 with its charset named, with a byte order mark, and chunked', async () => {
      expect((await issue(CARD, 'Content-Type: Application/JSON; Charset="UTF-8"')).status).toBe(201);
      expect((await issue(`\ufeff${CARD}`, JSON_TYPE)).status).toBe(201);
      const chunked = `${CARD.length.toString(16)}\r\n${CARD}\r\n0\r\n\r\n`;
      expect((await issue(chunked, JSON_TYPE, 'Transfer-Encoding: chunked')).status).toBe(201);
      expect(gateway.asked.map(({ data }) => data)).toEqual(Array(3).fill({ holder: { name: 'Luis Rojas' } }));
    });

    it.each<[what: string, body: string, field: string, code: string]>([
      ['a name twice', '{"holder":{"name":"Ana","name":"Luis"}}', 'holder.name', 'repeated'],
      ['a name twice with the same value', '{"holder":{"name":"Ana"},"holder":{"name":"Ana"}}', 'holder', 'repeated'],
      ['a name twice, once escaped', '{"holder":{"name":"Ana","n\\u0061me" : "Luis"}}', 'holder.name', 'repeated'],
      ['a name twice, far apart', '{"a":[{"a":1}],"b":{"a":{}},"c":"{\\"a\\":1}","a":2}', 'a', 'repeated'],
      ['__proto__ twice', '{"__proto__":1,"__proto__":2}', '__proto__', 'repeated'],
      [
        'a number that a double has no room for',
        '{"holder":{"name":"Ana"},"number":12345678901234567890}',
        'number',
        'out_of_range',
      ],
      ['a number beyond all', '{"holder":{"name":"Ana"},"number":1e999}', 'number', 'out_of_range'],
    ])('drops nothing of it: %s', async (_what, body, field, code) => {
      expect(await issue(body, JSON_TYPE)).toMatchObject({ status: 422, body: { errors: [{ field, code }] } });
      expect(gateway.asked).toEqual([]);
    });

    it('knows the same name in other objects, and names that are only text, from one that is repeated', async () => {
      gateway.fakes.set('single-use-tokens.issue', () => answerOf('createSingleUseToken'));
      const payload = { name: [{ name: 1.5 }, { name: 'name: "name":' }], other: { name: '{' }, most: 2 ** 53 - 1 };
      const body = JSON.stringify({ purpose: 'test', payload });
      const answer = await send({ method: 'POST', path: '/api/v1/token/create', headers: [token, JSON_TYPE], body });
      expect([answer.status, gateway.asked[0]?.data]).toEqual([201, expect.objectContaining({ payload })]);
    });

    it('takes no body where every field is optional, and says what is missing where not', async () => {
      const suspend = { method: 'POST', path: `/api/v1/cards/${ID}/suspend` };
      expect((await send({ ...suspend, headers: [token] })).status).toBe(200);
      expect((await send({ ...suspend, headers: [token, JSON_TYPE, 'Content-Length: 0'] })).status).toBe(200);
      expect(
        (await send({ ...suspend, headers: [token, 'Content-Type: text/plain', 'Content-Length: 0'] })).status,
      ).toBe(200);
      const empty = await issue('', JSON_TYPE);
      expect(empty).toMatchObject({ status: 422, body: { errors: [{ field: 'holder', code: 'required' }] } });
    });

    it('stops reading a chunked body that grows too large, and still answers', async () => {
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      const head = rawRequest({
        method: 'POST',
        path: '/api/v1/cards',
        headers: [token, JSON_TYPE, 'Transfer-Encoding: chunked'],
      });
      const answer = await sendRaw(gateway.url, head, ...Array<string>(20).fill(chunk));
      expect(answer).toMatchObject({
        status: 413,
        body: { code: 'payload_too_large', detail: 'At most 65536 bytes are accepted' },
      });
    });

    it('refuses a large body by its length, before any of it is sent', async () => {
      const headers = [token, JSON_TYPE, 'Content-Length: 70000', 'Expect: 100-continue'];
      expect(await send({ method: 'POST', path: '/api/v1/cards', headers })).toMatchObject({ status: 413 });
    });

    it('invites a body with 100 Continue only after the headers were judged', async () => {
      const headers = [JSON_TYPE, 'Content-Length: 70', 'Expect: 100-continue'];
      expect(await send({ method: 'POST', path: '/api/v1/cards', headers })).toMatchObject({ status: 401 });
      expect((await issue(CARD, JSON_TYPE, 'Expect: 100-continue')).status).toBe(201);
    });
  });

  describe('of an address', () => {
    it.each<[what: string, path: string, status: number, code: string]>([
      ['a wrong UUID', '/api/v1/cards/123', 422, 'validation_failed'],
      [
        'a UUID of another version and variant',
        '/api/v1/cards/00000000-0000-0000-0000-00000000000g',
        422,
        'validation_failed',
      ],
      ['a null byte', `/api/v1/cards/${ID}%00`, 422, 'validation_failed'],
      ['SQL', "/api/v1/cards/1'%20OR%20'1'='1", 422, 'validation_failed'],
      ['an encoded slash', '/api/v1/cards%2F123', 404, 'not_found'],
      ['a path that climbs', '/api/v1/cards/../../health', 404, 'not_found'],
      ['an over-long parameter', `/api/v1/cards/${'x'.repeat(500)}`, 414, 'uri_too_long'],
      ['an over-long address', `/api/v1/cards?q=${'x'.repeat(5_000)}`, 414, 'uri_too_long'],
      ['a broken escape', '/api/v1/cards/%zz', 400, 'bad_request'],
      ['an escape that is no UTF-8', '/api/v1/cards/%ff%fe', 400, 'bad_request'],
      ['a query with an unknown name', '/api/v1/cards?sort=name', 422, 'validation_failed'],
      ['a query with a name twice', '/api/v1/cards?limit=1&limit=2', 422, 'validation_failed'],
      ['a query with a thousand names', `/api/v1/cards?${'q&'.repeat(1_000)}limit=1`, 422, 'validation_failed'],
      [
        'a query with an unknown name after a thousand',
        `/api/v1/users/me?${'&'.repeat(1_000)}x`,
        422,
        'validation_failed',
      ],
      ['a query with __proto__', '/api/v1/cards?__proto__=1', 422, 'validation_failed'],
      ['a query with brackets', '/api/v1/cards?holder[name]=Ana', 422, 'validation_failed'],
      ['a query out of range', '/api/v1/cards?limit=1000', 422, 'validation_failed'],
      ['a query where there is none', '/api/v1/users/me?admin=1', 422, 'validation_failed'],
      ['an address that is nothing', '/api/v1/nothing', 404, 'not_found'],
      ['an address that is not even a path', '*', 404, 'not_found'],
    ])('%s', async (_what, path, status, code) => {
      const answer = await send({ path, headers: [token] });
      expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(gateway.asked).toEqual([]);
    });

    it('never repeats the query in a problem', async () => {
      const answer = await send({ path: '/api/v1/nothing?token=secret', headers: [token] });
      expect(answer.body['instance']).toBe('/api/v1/nothing');
      expect(answer.text).not.toContain('secret');
    });
  });

  describe('of a method', () => {
    it.each<[method: string, path: string, allow: string]>([
      ['PUT', '/api/v1/cards', 'GET, HEAD, OPTIONS, POST'],
      ['DELETE', '/api/v1/cards', 'GET, HEAD, OPTIONS, POST'],
      ['DELETE', `/api/v1/cards/${ID}`, 'GET, HEAD, OPTIONS, PATCH'],
      ['TRACE', '/health', 'GET, HEAD, OPTIONS'],
      ['PURGE', '/health', 'GET, HEAD, OPTIONS'],
      ['GET', '/api/v1/users/login', 'OPTIONS, POST'],
      ['POST', '/scan/AAAAAAAAAAAAAAAAAAAAAA', 'GET, HEAD, OPTIONS'],
    ])('%s %s', async (method, path, allow) => {
      const answer = await send({ method, path, headers: [token] });
      expect(answer).toMatchObject({
        status: 405,
        body: { code: 'method_not_allowed', detail: `Allowed here: ${allow}` },
      });
      expect(answer.headers['allow']).toBe(allow);
    });

    it('answers HEAD like GET, without a body', async () => {
      const head = await fetch(`${gateway.url}/health`, { method: 'HEAD' });
      expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '51']);
      const refused = await fetch(`${gateway.url}/api/v1/users/login`, { method: 'HEAD' });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
    });

    it('answers OPTIONS with what is allowed', async () => {
      expect(await send({ method: 'OPTIONS', path: '/api/v1/cards' })).toMatchObject({
        status: 204,
        headers: { allow: 'GET, HEAD, OPTIONS, POST' },
      });
    });

    it('is a method nobody knows, or CONNECT', async () => {
      expect(await send({ method: 'FROBNICATE' })).toMatchObject({ status: 400, body: { code: 'bad_request' } });
      expect(await send({ method: 'CONNECT', path: 'example.com:443' })).toMatchObject({
        status: 405,
        body: { code: 'method_not_allowed' },
      });
    });
  });

  describe('of HTTP itself', () => {
    it.each<[what: string, bytes: string, status: number, code: string]>([
      ['something else', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400, 'bad_request'],
      ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400, 'bad_request'],
      ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400, 'bad_request'],
      ['a line without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n', 400, 'bad_request'],
      [
        'headers that never end',
        `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
        431,
        'headers_too_large',
      ],
      [
        'two lengths',
        'POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
        400,
        'bad_request',
      ],
      [
        'a length and chunks',
        `${LOGIN}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        400,
        'bad_request',
      ],
      [
        'a negative length',
        'POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
        400,
        'bad_request',
      ],
      [
        'a chunk of an unreadable size',
        `${LOGIN}${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
        400,
        'bad_request',
      ],
      [
        'an unknown transfer coding',
        'POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n',
        400,
        'bad_request',
      ],
    ])('%s', async (_what, bytes, status, code) => {
      const answer = await sendRaw(gateway.url, Buffer.from(bytes, 'latin1'));
      expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
      expect(answer.headers).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'x-request-id': answer.body['request_id'],
        'x-content-type-options': 'nosniff',
      });
    });
  });

  describe('of many headers', () => {
    /** A request with so many header lines; the last ones come after all others. */
    const lines = (count: number, ...last: string[]): Buffer =>
      rawRequest({ headers: [...Array<string>(count - 1 - last.length).fill('a:'), ...last], path: '/health' });

    it('takes a hundred', async () => {
      expect(await sendRaw(gateway.url, lines(100))).toMatchObject({ status: 200 });
    });

    it.each([101, 102, 1_000, 1_999, 2_000, 2_001, 2_005, 16_000])('refuses %i, and closes', async (count) => {
      const [answer, ...more] = await conversation(gateway.url, lines(count), lines(1));
      expect(answer).toMatchObject({
        status: 431,
        body: { code: 'headers_too_large' },
        headers: { connection: 'close' },
      });
      expect(more).toEqual([]);
    });

    it.each<[what: string, last: string]>([
      ['Host', 'Host: evil.example.com'],
      ['Authorization', 'Authorization: Bearer x'],
      ['Content-Type', 'Content-Type: text/plain'],
      ['X-Forwarded-For', 'X-Forwarded-For: 192.0.2.1'],
      ['Transfer-Encoding', 'Transfer-Encoding: gzip, chunked'],
    ])('never overlooks a late %s', async (_what, last) => {
      for (const count of [98, 99, 100, 1_996, 1_999, 2_000, 2_005]) {
        const headers = [token, JSON_TYPE, `Content-Length: ${CARD.length}`, ...Array<string>(count).fill('a:'), last];
        const bytes = rawRequest({ method: 'POST', path: '/api/v1/cards', headers, body: CARD });
        const [answer, ...more] = await conversation(gateway.url, bytes);
        expect([count, answer?.status, more]).toEqual([count, last.startsWith('Transfer') ? 400 : 431, []]);
      }
      expect(gateway.asked).toEqual([]);
    });

    it('keeps every value of a repeated one', async () => {
      expect(await issue(CARD, JSON_TYPE, 'Content-Type: text/plain')).toMatchObject({ status: 415 });
      expect(await issue(CARD, JSON_TYPE, token)).toMatchObject({ status: 401 });
      expect(await issue(CARD, JSON_TYPE, 'Host: evil.example.com')).toMatchObject({ status: 400 });
      expect(await issue(CARD, JSON_TYPE, 'Content-Encoding: identity', 'Content-Encoding: gzip')).toMatchObject({
        status: 415,
      });
      expect(gateway.asked).toEqual([]);
    });
  });

  describe('of a request that others may read as two', () => {
    const HEAD = 'POST /api/v1/users/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const CHUNKS = '2\r\n{}\r\n0\r\n\r\n';
    const chunked = (header: string, chunks = CHUNKS): string => `${HEAD}${header}\r\n\r\n${chunks}`;
    const versioned = (version: string): string =>
      `GET /health ${version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\n`;

    it.each<[what: string, bytes: string, status?: number]>([
      ['HTTP/1.0 with chunks', chunked('Connection: keep-alive\r\nTransfer-Encoding: chunked').replace('1.1', '1.0')],
      [
        'HTTP/1.0 with an empty coding',
        chunked('Connection: keep-alive\r\nTransfer-Encoding:', '').replace('1.1', '1.0'),
      ],
      ['HTTP/2.0', versioned('HTTP/2.0'), 505],
      ['HTTP/0.9', versioned('HTTP/0.9'), 505],
      ['HTTP/1.2', versioned('HTTP/1.2'), 505],
      ['HTTP/3.0', versioned('HTTP/3.0'), 505],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
      ['HTTP/2', versioned('HTTP/2')],
      ['HTTP/1.10', versioned('HTTP/1.10')],
      ['http/1.1', versioned('http/1.1')],
      ['a target of another host', 'GET http://evil.example.com/docs/ HTTP/1.1\r\nHost: x\r\n\r\n'],
      ...[
        'a, evil.example',
        'user@evil.example',
        'x/evil',
        'x?a',
        'x#a',
        'x y',
        '"><script>',
        'ñ',
        '[::1',
        'x:y',
        'x:80:80',
      ].map((host): [string, string] => [
        `a host that is none: ${host}`,
        `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      ]),
      ['a length and chunks', chunked('Content-Length: 2\r\nTransfer-Encoding: chunked')],
      ['chunks and a length', chunked('Transfer-Encoding: chunked\r\nContent-Length: 2')],
      ['chunks of something else', chunked('Transfer-Encoding: gzip, chunked'), 501],
      ['something else of chunks', chunked('Transfer-Encoding: chunked, gzip')],
      ['chunks of chunks', chunked('Transfer-Encoding: chunked, chunked')],
      ['chunks twice', chunked('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked')],
      ['identity and chunks', chunked('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked')],
      ['identity', chunked('Transfer-Encoding: identity')],
      ['an empty coding before chunks', chunked('Transfer-Encoding: ,chunked')],
      ['no coding', chunked('Transfer-Encoding:', '')],
      ['chunks with a parameter', chunked('Transfer-Encoding: chunked;a=b')],
      ['chunks in quotes', chunked('Transfer-Encoding: "chunked"')],
      ['a vertical tab', chunked('Transfer-Encoding: \vchunked')],
      ['white space before a colon', chunked('Transfer-Encoding : chunked')],
      ['a folded header', chunked('X: a\r\n b\r\nContent-Length: 2', '{}')],
      ['a folded coding', chunked('Transfer-Encoding:\r\n chunked')],
      ['a header folded onto the request line', 'GET /health HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n'],
      ['line feeds alone', 'GET /health HTTP/1.1\nHost: x\n\n'],
      ['one line feed alone', 'GET /health HTTP/1.1\r\nHost: x\nX: a\r\n\r\n'],
      ['a carriage return alone', 'GET /health HTTP/1.1\r\nHost: x\rX: a\r\n\r\n'],
      ['a null byte in a header', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
      ['a header without a name', 'GET /health HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n'],
      ['two equal lengths', chunked('Content-Length: 2\r\nContent-Length: 2', '{}')],
      ['a list of lengths', chunked('Content-Length: 2, 2', '{}')],
      ['a length with a sign', chunked('Content-Length: +2', '{}')],
      ['a length beyond 64 bits', chunked('Content-Length: 18446744073709551618', '{}')],
      ['an empty length', chunked('Content-Length:', '{}')],
      ['a chunk with a hexadecimal prefix', chunked('Transfer-Encoding: chunked', '0x2\r\n{}\r\n0\r\n\r\n')],
      [
        'a chunk of a size beyond 64 bits',
        chunked('Transfer-Encoding: chunked', '10000000000000002\r\n{}\r\n0\r\n\r\n'),
      ],
      ['white space after a size', chunked('Transfer-Encoding: chunked', '2 \r\n{}\r\n0\r\n\r\n')],
      ['a line feed alone after a size', chunked('Transfer-Encoding: chunked', '2\n{}\r\n0\r\n\r\n')],
      ['a line feed alone after a chunk', chunked('Transfer-Encoding: chunked', '2\r\n{}\n0\r\n\r\n')],
      ['a line feed alone in an extension', chunked('Transfer-Encoding: chunked', '2;a\nb\r\n{}\r\n0\r\n\r\n')],
    ])('%s', async (_what, bytes, status = 400) => {
      const smuggled = rawRequest({ method: 'POST', path: '/api/v1/cards', headers: [token, JSON_TYPE], body: CARD });
      const [answer, ...more] = await conversation(gateway.url, Buffer.from(bytes, 'latin1'), smuggled);
      const codes: Record<number, string> = { 501: 'transfer_coding_not_supported', 505: 'http_version_not_supported' };
      const code = codes[status] ?? 'bad_request';
      expect({ status: answer?.status, code: answer?.body['code'] }).toEqual({ status, code });
      expect(answer?.headers['connection']).toBe('close');
      expect(more).toEqual([]);
      expect(gateway.asked).toEqual([]);
    });

    it.each(['puerta.example', 'a_b.example:8080', '127.0.0.1:80', '[::1]:8080', ''])(
      'is none with a good host: %j',
      async (host) => {
        expect(await sendRaw(gateway.url, `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toMatchObject({
          status: 200,
        });
      },
    );

    it('is none where nobody can differ: trailers are read by nobody', async () => {
      const headers = [token, JSON_TYPE, 'Transfer-Encoding: Chunked'];
      const head = rawRequest({ method: 'POST', path: '/api/v1/cards', headers });
      const chunks = `${CARD.length.toString(16)};x=y\r\n${CARD}\r\n0\r\nHost: evil\r\nAuthorization: x\r\n\r\n`;
      expect(await sendRaw(gateway.url, head, chunks)).toMatchObject({ status: 201 });
    });
  });

  describe('of an Idempotency-Key', () => {
    const withKey = (...keys: string[]) => issue(CARD, JSON_TYPE, ...keys.map((key) => `Idempotency-Key: ${key}`));

    it.each(['', 'two words', 'ñ', 'x'.repeat(256)])('%j', async (key) => {
      const answer = await withKey(key);
      expect(answer).toMatchObject({
        status: 422,
        body: { errors: [{ field: 'Idempotency-Key', code: 'bad_format' }] },
      });
      expect(gateway.asked).toEqual([]);
    });

    it('two of them', async () => {
      expect(await withKey('a', 'b')).toMatchObject({ status: 422 });
    });

    it('passes a good one on', async () => {
      await withKey('order-4711');
      expect(gateway.asked[0]?.options).toMatchObject({ idempotencyKey: 'order-4711' });
    });
  });
});
