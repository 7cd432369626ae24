import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { stopwatch, waitFor } from '@puerta/testing';
import { proxied } from '../../test/proxied';
import { exchange } from '../../test/raw-http';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';

const PATH = '/api/v1/query/a';
const LIMIT = 1_000_000;

describe('a request on its way to a service', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    const timeouts = { connectMs: 1_000, headersMs: 1_000, idleMs: 300, wholeMs: undefined };
    gateway = await startTestGateway({}, [
      proxied(upstream.url, { bodyLimit: LIMIT, timeouts }),
      proxied(upstream.url, {
        name: 'large',
        prefix: '/api/v1/large',
        bodyLimit: 1e9,
        timeouts: { ...timeouts, headersMs: 500, idleMs: 5_000 },
      }),
      proxied(upstream.url, { name: 'get-only', prefix: '/api/v1/get', methods: ['GET'] }),
    ]);
  });

  beforeEach(() => {
    upstream.received.length = 0;
    upstream.listener = undefined;
    upstream.answer = (_request, response) => void response.end('ok');
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const head = (lines = '', method = 'POST', path = PATH, version = '1.1'): string =>
    `${method} ${path} HTTP/${version}\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.accessToken()}\r\n${lines}\r\n`;

  /** A connection, with all that came on it, and how it broke. */
  const open = async (): Promise<{ socket: Socket; text: () => string; error: () => unknown }> => {
    const { hostname, port } = new URL(gateway.url);
    // What the other side ends is not ended here, as if that had not been seen.
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    sockets.push(socket);
    let text = '';
    let failure: Error | undefined;
    socket
      .setEncoding('latin1')
      .on('data', (chunk: string) => (text += chunk))
      .on('error', (error) => (failure = error));
    await once(socket, 'connect');
    return { socket, text: () => text, error: () => failure };
  };

  it('is sent in chunks when its length is not known', async () => {
    const answer = await exchange(
      gateway.url,
      head('Transfer-Encoding: chunked\r\nConnection: close\r\n'),
      '3;ext=1\r\nabc\r\n',
      '2\r\nde\r\n0\r\n\r\n',
    );
    expect(answer).toContain(' 200 ');
    expect(upstream.last.body.toString()).toBe('abcde');
    expect(upstream.last.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(upstream.last.headers).not.toHaveProperty('content-length');
  });

  it('keeps the length that it says', async () => {
    await exchange(gateway.url, head('Content-Length: 5\r\nConnection: close\r\n'), 'ab', 'cde');
    expect(upstream.last.body.toString()).toBe('abcde');
    expect(upstream.last.headers).toMatchObject({ 'content-length': '5' });
  });

  it.each([
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: content-length\r\nContent-Length: 0\r\n',
  ])('may have no body at all: %j', async (lines) => {
    const body = lines.startsWith('T') ? '0\r\n\r\n' : '';
    for (const method of ['POST', 'GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']) {
      const answer = await exchange(
        gateway.url,
        head(`${lines}${lines.startsWith('Conn') ? '' : 'Connection: close\r\n'}`, method).replace(
          'Connection: content',
          'Connection: close, content',
        ),
        body,
      );
      expect([method, answer.slice(9, 12), upstream.last.method, upstream.last.body.length]).toEqual([
        method,
        '200',
        method,
        0,
      ]);
    }
  });

  it.each(['GET', 'DELETE', 'OPTIONS'])('may have a body that is not expected: %s', async (method) => {
    await exchange(gateway.url, head('Content-Length: 3\r\nConnection: close\r\n', method), 'abc');
    expect([upstream.last.method, upstream.last.body.toString()]).toEqual([method, 'abc']);
  });

  it('leaves its trailer here', async () => {
    const answer = await exchange(
      gateway.url,
      head('Trailer: X-Sum\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n'),
      '1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n',
    );
    expect(answer).toContain(' 200 ');
    expect(upstream.last.rawHeaders.join().toLowerCase()).not.toMatch(/x-sum|trailer|(^|,)te,/);
  });

  it('keeps what its body is encoded by', async () => {
    const body = gzipSync('hello');
    await exchange(
      gateway.url,
      head(`Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`),
      body,
    );
    expect([upstream.last.headers['content-encoding'], upstream.last.body.equals(body)]).toEqual(['gzip', true]);
  });

  it('keeps the values of headers byte for byte, and their order and names as sent', async () => {
    const text = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i + 128)).join('');
    await exchange(
      gateway.url,
      Buffer.from(
        head(`X-Latin: ${text}\r\nx-A: 1\r\nX-a: 2\r\nX-Tab: a\tb\r\nX-Empty:\r\nConnection: close\r\n`, 'GET'),
        'latin1',
      ),
    );
    const { rawHeaders } = upstream.last;
    expect(rawHeaders[rawHeaders.indexOf('X-Latin') + 1]).toBe(text);
    const from = rawHeaders.indexOf('x-A');
    expect(rawHeaders.slice(from, from + 8)).toEqual(['x-A', '1', 'X-a', '2', 'X-Tab', 'a\tb', 'X-Empty', '']);
  });

  it.each([
    ['gzip, chunked', 501],
    ['chunked, gzip', 400],
    ['gzip', 400],
    ['identity', 400],
    ['chunked, chunked', 400],
    ['xchunked', 400],
    ['chunked\r\nTransfer-Encoding: identity', 400],
    ['chunked\r\nContent-Length: 3', 400],
    [' chunked\r\nContent-Length: 0', 400],
  ])('is refused for its framing: Transfer-Encoding: %j', async (coding, status) => {
    const answer = await exchange(
      gateway.url,
      head(`Transfer-Encoding: ${coding}\r\nConnection: close\r\n`),
      '3\r\nabc\r\n0\r\n\r\n',
    );
    expect([answer.slice(9, 12), upstream.received.length]).toEqual([String(status), 0]);
  });

  it.each([
    '5, 5',
    '5\r\nContent-Length: 5',
    '5\r\nContent-Length: 6',
    '-1',
    '+5',
    '5.0',
    '0x5',
    '5 5',
    '99999999999999999999',
  ])('is refused for its length: %j', async (length) => {
    const answer = await exchange(gateway.url, head(`Content-Length: ${length}\r\nConnection: close\r\n`), 'abcde');
    expect([[400, 413].includes(Number(answer.slice(9, 12))), upstream.received.length]).toEqual([true, 0]);
  });

  it('whose body turns out to be no HTTP is refused, and given up at once', async () => {
    let closed = false;
    upstream.listener = (request) =>
      void request
        .resume()
        .on('close', () => (closed = true))
        .on('error', () => undefined);
    const { socket, text } = await open();
    socket.write(`${head('Transfer-Encoding: chunked\r\n')}3\r\nabc\r\n`);
    await sleep(50);
    socket.write('zz\r\n');
    // Sooner than a client that sends nothing.
    await waitFor(() => closed, 200, 5);
    expect(text()).toContain(' 400 ');
    expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  describe('that is too large', () => {
    it('by its length is refused before anything of it is sent, and the client can read so while it sends', async () => {
      const { socket, text, error } = await open();
      socket.write(head(`Content-Length: ${LIMIT * 20}\r\n`));
      for (let sent = 0; sent < 20; sent++) {
        socket.write(Buffer.alloc(LIMIT));
        await sleep(2);
      }
      await waitFor(() => text().includes('payload_too_large'));
      expect([text().slice(9, 12), error(), upstream.received.length]).toEqual(['413', undefined, 0]);
    });

    it('without a length is refused when the limit is passed, and the service never sees it end', async () => {
      let ended: string | undefined;
      upstream.listener = (request, response) => {
        request
          .resume()
          .on('error', () => (ended = 'broken'))
          .on('end', () => (ended = 'whole'));
        response.on('error', () => undefined);
      };
      const { socket, text, error } = await open();
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      const chunk = Buffer.concat([Buffer.from('186A0\r\n'), Buffer.alloc(100_000), Buffer.from('\r\n')]);
      for (let sent = 0; sent < 30; sent++) {
        socket.write(chunk);
        await sleep(2);
      }
      await waitFor(() => text().includes('payload_too_large'));
      expect([text().slice(9, 12), error()]).toEqual(['413', undefined]);
      expect(await waitFor(() => ended)).toBe('broken');
    });

    it('by nothing is not refused: a body of exactly the limit', async () => {
      const answer = await exchange(
        gateway.url,
        head(`Content-Length: ${LIMIT}\r\nConnection: close\r\n`),
        Buffer.alloc(LIMIT),
      );
      expect([answer.slice(9, 12), upstream.last.body.length]).toEqual(['200', LIMIT]);
    });
  });

  describe('that asks whether to send its body', () => {
    it('is told to when there is somebody to take it, and the service is not asked', async () => {
      const { socket, text } = await open();
      socket.write(head('Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n'));
      await waitFor(() => text() === 'HTTP/1.1 100 Continue\r\n\r\n');
      expect(upstream.received).toHaveLength(0);
      socket.write('abc');
      await waitFor(() => text().includes(' 200 '));
      expect(upstream.last.headers).not.toHaveProperty('expect');
      expect(upstream.last.body.toString()).toBe('abc');
    });

    it.each([
      ['without a token', (text: string) => text.replace('Bearer', 'Bear'), 401],
      ['by a method that the route has not', (text: string) => text.replace(PATH, '/api/v1/get/a'), 405],
      ['with an ambiguous path', (text: string) => text.replace(PATH, `${PATH}/../b`), 400],
      ['that is too large', (text: string) => text.replace('Length: 3', 'Length: 3000000'), 413],
    ])('is refused at once: %s', async (_, change, status) => {
      const { socket, text } = await open();
      socket.write(change(head('Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n')));
      await waitFor(() => text().includes('\r\n\r\n'));
      expect(text().slice(9, 12)).toBe(String(status));
    });

    it('is answered without, where the client speaks HTTP/1.0', async () => {
      const answer = await exchange(
        gateway.url,
        head('Content-Length: 3\r\nExpect: 100-continue\r\n', 'POST', PATH, '1.0'),
        'abc',
      );
      expect(answer.slice(9, 12)).toBe('200');
    });
  });

  it('from a client that stops sending is given up with 408', async () => {
    let broken = false;
    upstream.listener = (request) => void request.resume().on('error', () => (broken = true));
    const watch = stopwatch();
    const { socket, text } = await open();
    socket.write(`${head('Content-Length: 10\r\n')}abc`);
    await waitFor(() => text().includes('request_timeout'));
    expect(text().slice(9, 12)).toBe('408');
    expect(watch()).toBeLessThan(1_500);
    await waitFor(() => broken);
  });

  it('is not given up while its client sends, however slowly', async () => {
    const { socket, text } = await open();
    socket.write(head('Content-Length: 6\r\nConnection: close\r\n'));
    for (const letter of 'abcdef') {
      socket.write(letter);
      await sleep(100);
    }
    await waitFor(() => text().includes(' 200 '));
    expect(upstream.last.body.toString()).toBe('abcdef');
  });

  it('of a client that goes away frees the service, and is nobody`s failure', async () => {
    let broken = 0;
    upstream.listener = (request) => void request.resume().on('error', () => (broken += 1));
    for (let i = 0; i < 6; i++) {
      const { socket } = await open();
      socket.write(`${head('Content-Length: 10\r\n')}abc`);
      await sleep(20);
      socket.destroy();
    }
    await waitFor(() => broken === 6, 1_000);
    upstream.listener = undefined;
    expect(await exchange(gateway.url, head('Connection: close\r\n', 'GET'))).toContain(' 200 ');
  });

  it.each(['GET', 'POST'])('frees the service when the client goes before the answer: %s', async (method) => {
    const closed: boolean[] = [];
    upstream.listener = (_request, response) => void response.on('close', () => closed.push(true));
    const { socket } = await open();
    // Two at once: the second waits behind the first.
    socket.write(head(method === 'POST' ? 'Content-Length: 0\r\n' : '', method).repeat(2));
    await sleep(50);
    if (method === 'GET') socket.destroy();
    else socket.resetAndDestroy();
    await waitFor(() => closed.length === 2, 1_000);
  });

  it('of a client that goes while it is found out who it is does not arrive', async () => {
    let known: (() => void) | undefined;
    gateway.fakes.set('access.check', () => new Promise((resolve) => (known = () => resolve(gateway.facts))));
    try {
      const { socket } = await open();
      const token = gateway.accessToken({}, { subject: '0197a3a0-0000-7000-8000-000000000009' });
      socket.write(head('', 'GET').replace(/Bearer \S+/, `Bearer ${token}`));
      await waitFor(() => known);
      socket.resetAndDestroy();
      await sleep(30);
      known?.();
      await sleep(50);
      expect(upstream.received).toHaveLength(0);
    } finally {
      gateway.fakes.set('access.check', () => gateway.facts);
    }
  });

  it('of a client that goes is in the log, as one that had no answer', async () => {
    upstream.listener = () => undefined;
    const { socket } = await open();
    gateway.lines.length = 0;
    socket.write(head('', 'GET'));
    await sleep(50);
    socket.destroy();
    const line = await waitFor(() => gateway.lines.find((one) => one.includes('"msg":"request"')));
    expect(JSON.parse(line)).toMatchObject({ status: 499, code: 'client_gone', route: '/api/v1/query/*' });
    await sleep(50);
    expect(gateway.lines.filter((one) => one.includes('"msg":"request"'))).toHaveLength(1);
  });

  it('to a service that reads none of it is 504, and its client can read so', async () => {
    upstream.listener = (request) => void request.pause();
    const { socket, text, error } = await open();
    socket.write(head('Transfer-Encoding: chunked\r\n', 'POST', '/api/v1/large/a'));
    const chunk = Buffer.concat([Buffer.from('F4240\r\n'), Buffer.alloc(LIMIT), Buffer.from('\r\n')]);
    const sending = setInterval(() => socket.writableLength < LIMIT && socket.write(chunk), 5);
    await waitFor(() => text().includes('upstream_timeout'));
    clearInterval(sending);
    expect([text().slice(9, 12), error()]).toEqual(['504', undefined]);
  });

  it('is answered in its turn among others on the same connection', async () => {
    upstream.answer = ({ url }, response) =>
      void setTimeout(() => response.end(`[${url}]`), url.endsWith('1') ? 60 : 5);
    const paths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => `${PATH}?n=${i === 12 ? 'last' : i}`);
    const all = paths.map((path, i) => head(i === 11 ? 'Connection: close\r\n' : '', 'GET', path)).join('');
    const answer = await exchange(gateway.url, all);
    expect(answer.match(/\[[^\]]*\]/g)).toEqual(paths.map((path) => `[${path}]`));
  });

  it('by HTTP/1.0 gets an answer that ends with its connection', async () => {
    upstream.answer = (_request, response) => {
      response.write('a');
      response.end('b');
    };
    const answer = await exchange(gateway.url, head('', 'GET', PATH, '1.0'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(answer.endsWith('\r\n\r\nab')).toBe(true);
  });

  it('uploads no faster than the service reads', async () => {
    let resume: (() => void) | undefined;
    let length = 0;
    upstream.listener = (request, response) => {
      request.pause();
      resume = () =>
        void request
          .on('data', (chunk: Buffer) => (length += chunk.length))
          .on('end', () => response.end('ok'))
          .resume();
    };
    const routes = [
      proxied(upstream.url, {
        bodyLimit: 1e9,
        timeouts: { connectMs: 1_000, headersMs: 5_000, idleMs: 5_000, wholeMs: undefined },
      }),
    ];
    const other = await startTestGateway({}, routes);
    try {
      const agent = new Agent();
      const sent = httpRequest(`${other.url}${PATH}`, {
        agent,
        method: 'POST',
        headers: { authorization: `Bearer ${other.accessToken()}` },
      });
      const answered = once(sent, 'response');
      let written = 0;
      const chunk = Buffer.alloc(1_000_000);
      // Loopback takes some megabytes by itself.
      const stalled = (async () => {
        while (written < 60) {
          written += 1;
          if (!sent.write(chunk) && (await Promise.race([once(sent, 'drain'), sleep(300, 'stalled')])) === 'stalled')
            return;
        }
      })();
      await stalled;
      expect(written).toBeLessThan(40);
      await waitFor(() => resume);
      resume?.();
      sent.end();
      await answered;
      expect(length).toBe(written * chunk.length);
      agent.destroy();
    } finally {
      await other.stop();
    }
  });
});
