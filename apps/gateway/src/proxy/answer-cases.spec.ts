import dns from 'node:dns';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { freePort, stopwatch, waitFor } from '@puerta/testing';
import { proxied } from '../../test/proxied';
import { exchange } from '../../test/raw-http';
import { RawUpstream } from '../../test/raw-upstream';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';

const PATH = '/api/v1/query/a';
const RAW = '/api/v1/raw/a';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Whether it broke off. */
  readonly broken: boolean;
}

describe('an answer on its way back', () => {
  let upstream: TestUpstream;
  let raw: RawUpstream;
  let ipv6: TestUpstream;
  let gateway: TestGateway;
  const agent = new Agent({ keepAlive: true });
  const sockets: Socket[] = [];

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    raw = await RawUpstream.start();
    ipv6 = await TestUpstream.start('::1');
    const timeouts = { connectMs: 500, headersMs: 600, idleMs: 600, wholeMs: undefined };
    const route = (name: string, target: string, more: Parameters<typeof proxied>[1] = {}) =>
      proxied(target, { name, prefix: `/api/v1/${name}`, timeouts, retries: 0, ...more });
    gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: 'https://app.example.com' }, [
      route('query', upstream.url),
      route('raw', raw.url, { retries: 1 }),
      route('ipv6', ipv6.url),
      route('whole', upstream.url, { timeouts: { ...timeouts, idleMs: 5_000, wholeMs: 400 } }),
      route('refused', `http://127.0.0.1:${await freePort()}`),
      route('unknown', 'http://unknown.example'),
      route('silent', 'http://silent.example'),
    ]);
  });

  beforeEach(async () => {
    upstream.listener = undefined;
    upstream.received.length = 0;
    upstream.answer = (_request, response) => void response.end('ok');
    raw.heads.length = 0;
    for (const socket of raw.connections.splice(0)) socket.destroy();
    // The gateway is to see it.
    await sleep(5);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    agent.destroy();
    await gateway.stop();
    await Promise.all([upstream.stop(), raw.stop(), ipv6.stop()]);
  });

  const ask = (path = PATH, method = 'GET', more: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${gateway.accessToken()}`, ...more };
      const sent = httpRequest(`${gateway.url}${path}`, { agent, method, headers, maxHeaderSize: 1_000_000 });
      sent.on('error', reject).on('response', (answer) => {
        const chunks: Buffer[] = [];
        const { statusCode: status = 0, rawHeaders } = answer;
        const done = (broken: boolean) => () =>
          resolve({ status, headers: answer.headers, rawHeaders, body: Buffer.concat(chunks), broken });
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', done(false)).on('error', done(true));
      });
      sent.end();
    });

  const head = (path: string, lines = '', method = 'GET'): string =>
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.accessToken()}\r\n${lines}\r\n`;

  const open = async (): Promise<Socket> => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    await once(
      socket.on('error', () => undefined),
      'connect',
    );
    return socket;
  };

  /** Answers each request on a raw connection with these bytes. */
  const rawAnswer = (bytes: string, end = false): void => {
    raw.answer = (socket) => {
      socket.write(bytes, 'latin1');
      if (end) socket.end();
    };
  };

  describe('without a body', () => {
    it.each([
      ['HEAD', 200, { 'content-length': '7', etag: '"1"' }],
      ['HEAD', 200, {}],
      ['GET', 304, { etag: '"1"', 'content-length': '7' }],
      ['GET', 304, { etag: '"1"' }],
      ['GET', 204, {}],
      ['DELETE', 204, {}],
      ['GET', 200, { 'content-length': '0' }],
    ])('leaves both connections for the next: %s %i %j', async (method, status, headers) => {
      upstream.answer = (_request, response) => void response.writeHead(status, headers).end();
      let connections = 0;
      const count = (): number => (connections += 1);
      upstream.server.on('connection', count);
      for (let i = 0; i < 3; i++) {
        const answer = await ask(PATH, method);
        expect([answer.status, answer.body.length, answer.broken]).toEqual([status, 0, false]);
        expect(answer.headers).toMatchObject(headers);
      }
      upstream.server.off('connection', count);
      // undici keeps none after a 304 that says how long the whole would be.
      if (!(status === 304 && 'content-length' in headers)) expect(connections).toBeLessThanOrEqual(1);
    });

    it('has no length with 204, whatever the service says', async () => {
      rawAnswer('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n');
      const { status, headers, broken } = await ask(RAW);
      expect([status, headers['content-length'], broken]).toEqual([204, undefined, false]);
    });
  });

  it('is passed on as it is: encoded, with its headers in their order, byte for byte', async () => {
    const body = gzipSync('hello');
    const text = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i + 128)).join('');
    const cookies = Array.from({ length: 30 }, (_, i) => `c${i}=${i}; Path=/`);
    rawAnswer(
      `HTTP/1.1 200 Fine\r\nX-Latin: ${text}\r\nX-A: 1\r\nx-a: 2\r\n${cookies.map((one) => `Set-Cookie: ${one}\r\n`).join('')}` +
        `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\nLink: <a>\r\n\r\n${body.toString('latin1')}`,
    );
    const answer = await ask(RAW);
    expect(answer.body.equals(body)).toBe(true);
    expect(answer.headers).toMatchObject({
      'x-latin': text,
      'x-a': '1, 2',
      'content-encoding': 'gzip',
      'content-length': String(body.length),
      'set-cookie': cookies,
      link: '<a>',
    });
  });

  it('may have a thousand headers', async () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => `X-Header-${i}: ${'v'.repeat(100)}\r\n`).join('');
    rawAnswer(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`);
    const text = await exchange(gateway.url, head(RAW, 'Connection: close\r\n'));
    expect(text.match(/X-Header-\d+: v{100}\r\n/g)).toHaveLength(1_000);
    expect(text.endsWith('ok')).toBe(true);
  });

  it('of more than headers can be is told as 502', async () => {
    rawAnswer(`HTTP/1.1 200 OK\r\nX-Long: ${'v'.repeat(300_000)}\r\nContent-Length: 2\r\n\r\nok`);
    expect((await ask(RAW)).status).toBe(502);
  });

  it('has nothing in it that we alone say: our cookies, CORS, what is about a connection', async () => {
    rawAnswer(
      [
        'HTTP/1.1 200 OK',
        'Set-Cookie: puerta_session=1',
        'Set-Cookie: __Host-puerta_session=1; Secure; Path=/',
        'Set-Cookie: __Secure-Puerta-a=1; Secure',
        'Set-Cookie:  PUERTA_A=1',
        'Set-Cookie: =puerta_a=1',
        'Set-Cookie: puerta_a',
        'Set-Cookie: theirs=puerta_a',
        'Access-Control-Allow-Origin: *',
        'access-control-allow-credentials: true',
        'Access-Control-Anything: 1',
        'X-Request-ID: theirs',
        'X-Content-Type-Options: none',
        'Strict-Transport-Security: max-age=0',
        'RateLimit: theirs',
        'Clear-Site-Data: "cookies", "storage"',
        'Service-Worker-Allowed: /',
        'NEL: {"report_to":"a","max_age":9}',
        'Report-To: {"group":"a","max_age":9,"endpoints":[{"url":"https://elsewhere.example"}]}',
        'X-Accel-Redirect: /internal',
        'X-Sendfile: /etc/passwd',
        'X-Accel-Buffering: no',
        'Keep-Alive: timeout=7, max=2',
        'Proxy-Authenticate: Basic',
        'Proxy-Connection: close',
        'Upgrade: h2c',
        'Trailer: X-Sum',
        'Connection: keep-alive, X-Hop',
        'Connection: x-hop-2',
        'X-Hop: 1',
        'x-HOP-2: 1',
        'Content-Length: 2',
        '',
        'ok',
      ].join('\r\n'),
    );
    const { headers } = await ask(RAW);
    expect(headers['set-cookie']).toEqual(['theirs=puerta_a']);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-request-id']).not.toBe('theirs');
    const ours = /^(access-|proxy-|upgrade|trailer|x-hop|ratelimit|clear-|service-|nel|report-|x-accel|x-send)/;
    expect(Object.keys(headers).filter((name) => ours.test(name))).toEqual(['x-accel-buffering']);
    expect(headers['keep-alive']).not.toContain('7');
    expect(headers['strict-transport-security']).not.toBe('max-age=0');
  });

  it('is for a page of an origin that we admit, whatever the service says', async () => {
    rawAnswer(
      'HTTP/1.1 200 OK\r\nVary: Accept\r\nAccess-Control-Allow-Origin: https://evil.example\r\nContent-Length: 2\r\n\r\nok',
    );
    const own = await ask(RAW, 'GET', { origin: 'https://app.example.com' });
    expect(own.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      vary: 'Origin, Accept',
    });
    const other = await ask(RAW, 'GET', { origin: 'https://evil.example' });
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('leaves its trailer here', async () => {
    rawAnswer(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n',
    );
    const text = await exchange(gateway.url, head(RAW, 'TE: trailers\r\nConnection: close\r\n'));
    expect(text).toMatch(/2\r\nok\r\n0\r\n\r\n$/);
    expect(text).not.toMatch(/x-sum/i);
  });

  it.each(['103 Early Hints\r\nLink: <a>', '102 Processing', '199 Whatever'])(
    'has no other before it: %s',
    async (line) => {
      rawAnswer(`HTTP/1.1 ${line}\r\n\r\nHTTP/1.1 ${line}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
      const text = await exchange(gateway.url, head(RAW, 'Connection: close\r\n'));
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    },
  );

  it.each([
    ['nothing that is HTTP', 'hello\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['two equal lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['no number as its length', 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    [
      'a coding that would have to be undone',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a status of none', 'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n'],
    [
      'another protocol that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    [
      'a permission to send that nobody asked for',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    ['a bad name of a header', 'HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n'],
    ['a control character in a header', 'HTTP/1.1 200 OK\r\nX-Y: \x01\r\nContent-Length: 0\r\n\r\n'],
    ['a null in a header', 'HTTP/1.1 200 OK\r\nX-Y: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ])('that is none is told as 502: %s', async (_, bytes) => {
    rawAnswer(bytes);
    expect((await ask(RAW)).status).toBe(502);
    // It did not become worse by that.
    rawAnswer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect((await ask(RAW)).body.toString()).toBe('ok');
  });

  describe('of a service that does not say its length', () => {
    it('ends with the connection, by HTTP/1.0 or 1.1', async () => {
      for (const line of ['HTTP/1.0 200 OK\r\n', 'HTTP/1.1 200 OK\r\nConnection: close\r\n', 'HTTP/1.1 200 OK\r\n']) {
        rawAnswer(`${line}\r\nto the end`, true);
        const { status, body, broken } = await ask(RAW);
        expect([line, status, body.toString(), broken]).toEqual([line, 200, 'to the end', false]);
      }
    });

    it('is not whole when the connection is reset, and the client is told', async () => {
      for (const line of ['HTTP/1.0 200 OK\r\n', 'HTTP/1.1 200 OK\r\nConnection: close\r\n', 'HTTP/1.1 200 OK\r\n']) {
        raw.answer = (socket) => {
          socket.write(`${line}\r\nhalf`);
          setTimeout(() => socket.resetAndDestroy(), 50);
        };
        const { status, body, broken } = await ask(RAW);
        expect([line, status, body.toString(), broken]).toEqual([line, 200, 'half', true]);
      }
    });
  });

  it.each([
    ['ends before its length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort'],
    ['ends before its length, by HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nshort'],
    ['ends before its length, as announced', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nshort'],
    ['ends before its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n'],
    [
      'ends before its last chunk, as announced',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n',
    ],
    ['ends within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nshort'],
    ['has a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n'],
  ])('is not whole when it %s, and the client is told', async (_, bytes) => {
    rawAnswer(bytes, true);
    const { status, body, broken } = await ask(RAW);
    expect([status, body.toString(), broken]).toEqual([200, 'short', true]);
  });

  it('is no longer than it says', async () => {
    rawAnswer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokand more');
    const text = await exchange(gateway.url, head(RAW, 'Connection: close\r\n'));
    expect(text.endsWith('\r\n\r\nok')).toBe(true);
  });

  it.each([0, 20])('is the only one: a second after %i ms is for nobody', async (ms) => {
    const own = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    raw.answer = (socket, asked) => {
      const name = asked.split(' ')[1] ?? '';
      if (!name.endsWith('evil')) return void socket.write(own(name));
      if (ms === 0) return void socket.write(own(name) + own('smuggled'));
      socket.write(own(name));
      setTimeout(() => socket.write(own('smuggled')), ms);
    };
    for (let i = 0; i < 5; i++) {
      expect((await ask('/api/v1/raw/evil')).body.toString()).toBe('/api/v1/raw/evil');
      await sleep(ms * 2);
      const bodies = await Promise.all(
        ['1', '2', '3'].map(async (n) => (await ask(`/api/v1/raw/${n}`)).body.toString()),
      );
      expect(bodies).toEqual(['/api/v1/raw/1', '/api/v1/raw/2', '/api/v1/raw/3']);
    }
  });

  it('may come before the request has ended, and is read whole while its client still sends', async () => {
    upstream.listener = (_request, response) => {
      response.writeHead(403, { 'content-length': 100_000 });
      response.end(Buffer.alloc(100_000, 'x'));
    };
    const socket = await open();
    let text = '';
    let error: Error | undefined;
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', (failure) => (error = failure));
    socket.write(head(PATH, 'Content-Length: 900000\r\n', 'POST'));
    for (let sent = 0; sent < 9; sent++) {
      socket.write(Buffer.alloc(100_000));
      await sleep(10);
    }
    await waitFor(() => text.length > 100_000);
    expect([text.slice(9, 12), text.endsWith('x'.repeat(100_000)), error]).toEqual(['403', true, undefined]);
    // The connection serves on.
    text = '';
    upstream.listener = undefined;
    socket.write(head(PATH));
    await waitFor(() => text.endsWith('ok'));
  });

  it('comes as it is made, also while nothing more is there yet', async () => {
    let finish: (() => void) | undefined;
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      finish = () => void response.end('data: 2\n\n');
      setTimeout(() => response.write('data: 1\n\n'), 50);
    };
    const socket = await open();
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.write(head(PATH));
    await waitFor(() => text.includes('text/event-stream'));
    expect(text).not.toContain('data');
    await waitFor(() => text.includes('data: 1'));
    finish?.();
    await waitFor(() => text.includes('data: 2'));
  });

  describe('that is not taken', () => {
    const flood = (): { readonly written: () => number; readonly closed: () => boolean } => {
      let written = 0;
      let closed = false;
      upstream.listener = (_request, response) => {
        const chunk = Buffer.alloc(100_000);
        const more = (): void => {
          for (let more = true; more && !closed; written += chunk.length) more = response.write(chunk);
        };
        response.on('drain', more).on('close', () => (closed = true));
        more();
      };
      return { written: () => written, closed: () => closed };
    };

    it('is not fetched either, and its client cut off after a while', async () => {
      const { written, closed } = flood();
      const socket = await open();
      const watch = stopwatch();
      socket.pause().write(head(PATH));
      await waitFor(() => written() > 0);
      await sleep(300);
      const before = written();
      await sleep(200);
      // What is under way is in the buffers of the system.
      expect([written() === before, before < 30e6]).toEqual([true, true]);
      await waitFor(() => closed(), 2_000);
      expect(watch()).toBeLessThan(2_500);
      await waitFor(() => gateway.lines.some((line) => line.includes('client_too_slow')));
    });

    it('to its end is not kept for ever, and is one line in the log', async () => {
      upstream.listener = (_request, response) => void response.end(Buffer.alloc(8_000_000));
      const socket = await open();
      socket.pause().write(head(PATH));
      gateway.lines.length = 0;
      const cut = (): number => gateway.lines.filter((line) => line.includes('client_too_slow')).length;
      await waitFor(() => cut() > 0, 3_000);
      await sleep(50);
      expect(cut()).toBe(1);
    });

    it('since its client has gone frees the service within a second', async () => {
      const { written, closed } = flood();
      const socket = await open();
      socket.write(head(PATH));
      await waitFor(() => written() > 0);
      const watch = stopwatch();
      socket.destroy();
      await waitFor(() => closed(), 2_000, 5);
      expect(watch()).toBeLessThan(1_000);
    });

    it('leaves nothing behind in a long download', async () => {
      const warnings: Error[] = [];
      const warn = (warning: Error): number => warnings.push(warning);
      process.on('warning', warn);
      upstream.listener = (_request, response) => void response.end(Buffer.alloc(20_000_000));
      expect((await ask()).body.length).toBe(20_000_000);
      await sleep(10);
      process.off('warning', warn);
      expect(warnings).toEqual([]);
    });
  });

  describe('that does not come', () => {
    it('in time is 504', async () => {
      upstream.listener = () => undefined;
      const { status, body } = await ask();
      expect([status, JSON.parse(body.toString())]).toEqual([
        504,
        expect.objectContaining({ code: 'upstream_timeout' }),
      ]);
    });

    it('in time is 504, however often it is said to be on its way', async () => {
      raw.answer = (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 100);
        socket.on('close', () => clearInterval(timer));
      };
      const watch = stopwatch();
      const { status, body } = await ask(RAW);
      expect([status, JSON.parse(body.toString())]).toEqual([
        504,
        expect.objectContaining({ code: 'upstream_timeout' }),
      ]);
      expect(watch()).toBeLessThan(2_000);
      await waitFor(() => raw.open === 0);
    });

    it('further is cut', async () => {
      upstream.listener = (_request, response) => void response.write('half');
      const { status, body, broken } = await ask();
      expect([status, body.toString(), broken]).toEqual([200, 'half', true]);
    });

    it('whole within the time of its route is cut, however many bytes come', async () => {
      let timer: NodeJS.Timeout | undefined;
      upstream.listener = (_request, response) => {
        timer = setInterval(() => response.write('more'), 50);
        response.on('close', () => clearInterval(timer));
      };
      const watch = stopwatch();
      const { broken } = await ask('/api/v1/whole/a');
      expect([broken, watch() < 1_500]).toEqual([true, true]);
    });

    it('within the time of its route is 504', async () => {
      upstream.listener = () => undefined;
      expect((await ask('/api/v1/whole/a')).status).toBe(504);
    });

    it('from where nobody listens is 502', async () => {
      const { status, headers, body } = await ask('/api/v1/refused/a');
      expect([status, JSON.parse(body.toString())]).toEqual([
        502,
        expect.objectContaining({ code: 'upstream_unreachable' }),
      ]);
      expect(headers['content-type']).toContain('application/problem+json');
    });

    it('from a name that nobody has is 502, and from one about which nobody answers 504', async () => {
      const { lookup } = dns;
      const fake = jest.spyOn(dns, 'lookup').mockImplementation(((name: string, ...rest: unknown[]) => {
        const done = rest.at(-1) as (error: Error) => void;
        if (name === 'unknown.example') done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
        else if (name !== 'silent.example') (lookup as (...all: unknown[]) => void)(name, ...rest);
      }) as typeof lookup);
      try {
        expect((await ask('/api/v1/unknown/a')).status).toBe(502);
        expect((await ask('/api/v1/silent/a')).status).toBe(504);
      } finally {
        fake.mockRestore();
      }
    });
  });

  it('comes over IPv6 too', async () => {
    expect((await ask('/api/v1/ipv6/a')).status).toBe(200);
    expect(ipv6.last.headers.host).toMatch(/^\[::1\]:\d+$/);
  });

  describe('of a service that closes a connection at the moment in which it is used again', () => {
    const closeOnSecond = (): void => {
      raw.answer = (socket, _asked, nth) => {
        if (nth > 1) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      };
    };

    it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('is asked for once more: %s', async (method) => {
      closeOnSecond();
      expect((await ask(RAW)).status).toBe(200);
      raw.heads.length = 0;
      expect((await ask(RAW, method)).status).toBe(200);
      expect(raw.heads).toHaveLength(2);
    });

    it.each(['POST', 'PATCH'])('is not asked for again: %s', async (method) => {
      closeOnSecond();
      expect((await ask(RAW)).status).toBe(200);
      raw.heads.length = 0;
      expect((await ask(RAW, method)).status).toBe(502);
      expect(raw.heads).toHaveLength(1);
    });

    it('is not asked for again once any of a body was sent', async () => {
      closeOnSecond();
      expect((await ask(RAW)).status).toBe(200);
      raw.heads.length = 0;
      const text = await exchange(gateway.url, head(RAW, 'Content-Length: 2\r\nConnection: close\r\n', 'PUT'), 'ab');
      expect([text.slice(9, 12), raw.heads.length]).toEqual(['502', 1]);
    });

    it('is not asked for a third time', async () => {
      raw.answer = (socket) => void socket.destroy();
      expect((await ask(RAW)).status).toBe(502);
      expect(raw.heads).toHaveLength(2);
    });

    it('is not asked for again when it is late, or no HTTP', async () => {
      raw.answer = () => undefined;
      expect((await ask(RAW)).status).toBe(504);
      rawAnswer('garbage\r\n\r\n');
      expect((await ask(RAW)).status).toBe(502);
      expect(raw.heads).toHaveLength(2);
    });
  });
});
