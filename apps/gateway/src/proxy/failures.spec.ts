import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, waitFor } from '@puerta/testing';
import { proxied } from '../../test/proxied';
import { RawUpstream } from '../../test/raw-upstream';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { ConnectionPool } from './connection-pool';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CONNECTIONS = 10;

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter: string | undefined;
}

describe('a service that fails', () => {
  let raw: RawUpstream;
  let gateway: TestGateway;
  let pool: ConnectionPool;
  let deadPort: number;
  const agent = new Agent({ keepAlive: true });

  beforeAll(async () => {
    raw = await RawUpstream.start();
    deadPort = await freePort();
    const dead = `http://127.0.0.1:${deadPort}`;
    const timeouts = { connectMs: 500, headersMs: 500, idleMs: 2_000, wholeMs: undefined };
    const route = (name: string, targets: string[], more: Parameters<typeof proxied>[1] = {}) =>
      proxied('', { name, prefix: `/api/v1/${name}`, targets, timeouts, retries: 0, ...more });
    const acquire = jest.spyOn(ConnectionPool.prototype, 'acquire');
    const environ = {
      GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS: String(CONNECTIONS),
      GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS: '4',
    };
    gateway = await startTestGateway(environ, [
      route('live', [raw.url]),
      route('dead', [dead]),
      route('half', [dead, raw.url], { retries: 1 }),
      route('twice', [raw.url], { retries: 2 }),
    ]);
    raw.answer = (socket) => void socket.write(OK);
    await ask('/api/v1/live/a');
    pool = acquire.mock.contexts[0] as ConnectionPool;
    acquire.mockRestore();
  });

  beforeEach(() => {
    raw.heads.length = 0;
    raw.answer = (socket) => void socket.write(OK);
  });

  afterAll(async () => {
    agent.destroy();
    await gateway.stop();
    await raw.stop();
  });

  /** @param goneAfter milliseconds until the client goes */
  /** @param who asks; another each time unless told */
  const ask = (path: string, method = 'GET', goneAfter?: number, who: string = randomUUID()): Promise<Answer> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${gateway.accessToken({}, { subject: who })}` };
      const sent = httpRequest(`${gateway.url}${path}`, { agent, method, headers });
      let status = 0;
      let retryAfter: string | undefined;
      const done = (text: string): void => {
        const { code } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: unknown };
        resolve({ status, code, retryAfter });
      };
      sent
        .on('error', () => done(''))
        .on('response', (answer) => {
          let text = '';
          status = answer.statusCode ?? 0;
          retryAfter = answer.headers['retry-after'];
          answer.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => done(''));
          answer.on('end', () => done(text));
        });
      sent.end();
      if (goneAfter !== undefined) setTimeout(() => sent.destroy(), goneAfter);
    });

  it('is left alone after five failures: 503, with the time after which to ask again; one request tries it then', async () => {
    for (let i = 0; i < 5; i++) expect((await ask('/api/v1/dead/a')).status).toBe(502);
    const refused = await ask('/api/v1/dead/a', 'POST');
    expect(refused).toEqual({ status: 503, code: 'upstream_unavailable', retryAfter: '1' });
    // It is there again, and takes its time.
    const back = await RawUpstream.start('127.0.0.1', deadPort);
    back.answer = (socket) => void setTimeout(() => socket.write(OK), 100);
    await sleep(1_000);
    // Whose client goes proves nothing, and lets the next try.
    await ask('/api/v1/dead/a', 'GET', 30);
    await waitFor(() => back.heads.length === 1);
    await sleep(20);
    back.heads.length = 0;
    const all = (): Promise<number[]> =>
      Promise.all(Array.from({ length: 5 }, async () => (await ask('/api/v1/dead/a')).status));
    expect((await all()).sort()).toEqual([200, 503, 503, 503, 503]);
    expect(back.heads).toHaveLength(1);
    expect(await all()).toEqual([200, 200, 200, 200, 200]);
    await back.stop();
  });

  it('by no fault of its own is asked on: its clients go, send too much, or nothing', async () => {
    raw.answer = () => undefined;
    for (let i = 0; i < 8; i++) await ask('/api/v1/live/a', 'GET', 20);
    raw.answer = (socket) => void socket.write(OK);
    expect((await ask('/api/v1/live/a')).status).toBe(200);
  });

  it('on one of two servers is served by the other', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await ask('/api/v1/half/a')).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await ask('/api/v1/half/a', 'POST')).status).toBe(200);
  });

  it('is never sent a POST twice, and a GET once more at most, whenever it breaks off', async () => {
    const seen = new Map<string, number>();
    let n = 0;
    raw.answer = (socket, head) => {
      const path = head.split(' ')[1] ?? '';
      seen.set(path, (seen.get(path) ?? 0) + 1);
      n += 1;
      if (n % 5 === 4) return void socket.write(OK);
      if (n % 5 === 0) return void socket.resetAndDestroy();
      if (n % 5 === 1) return void socket.destroy();
      if (n % 5 === 2) return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf');
      socket.write(OK);
      setTimeout(() => socket.resetAndDestroy(), 1);
    };
    const answers: number[] = [];
    for (let round = 0; round < 25; round++) {
      const path = (i: number): string => `/api/v1/twice/${i % 2 ? 'post' : 'get'}-${round}-${i}`;
      const all = Array.from({ length: 8 }, (_, i) => ask(path(i), i % 2 ? 'POST' : 'GET'));
      answers.push(...(await Promise.all(all)).map(({ status }) => status));
    }
    const most = (kind: string): number =>
      Math.max(...[...seen].filter(([path]) => path.includes(`/${kind}-`)).map(([, times]) => times));
    expect([answers.length, most('post')]).toEqual([200, 1]);
    expect(most('get')).toBeLessThanOrEqual(3);
    expect(seen.size).toBeGreaterThan(50);
  });

  describe('by taking its time', () => {
    const busy = async (): Promise<void> => {
      // What earlier tests have left is waited for.
      await waitFor(() => pool.counts.busy === 0);
      // And the breaker is closed.
      await waitFor(async () => (await ask('/api/v1/live/a')).status === 200, 5_000, 300);
    };

    it('has no more connections than are admitted; who does not get one soon is told to come back', async () => {
      await busy();
      const open = raw.connections.length;
      const free: (() => void)[] = [];
      raw.answer = (socket) => void free.push(() => socket.write(OK));
      const all = Array.from({ length: 3 * CONNECTIONS }, () => ask('/api/v1/live/a'));
      let answered = 0;
      for (const one of all) void one.then(() => (answered += 1));
      await waitFor(() => answered === CONNECTIONS);
      expect(pool.counts).toMatchObject({ busy: CONNECTIONS, waiting: CONNECTIONS });
      expect([raw.heads.length >= CONNECTIONS, raw.connections.length - open <= CONNECTIONS]).toEqual([true, true]);
      // Those for whom there is no place to wait are told so at once.
      const refused = await Promise.race(all);
      expect(refused).toEqual({ status: 503, code: 'upstream_unavailable', retryAfter: '1' });
      raw.answer = (socket) => void socket.write(OK);
      for (const answer of free) answer();
      const statuses = (await Promise.all(all)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(2 * CONNECTIONS);
      await waitFor(() => pool.counts.busy === 0 && pool.counts.waiting === 0);
      expect(pool.counts.idle).toBeLessThanOrEqual(4);
    });

    it('is kept from nobody by one client: it gets a quarter of the connections, and is told that it asks too much', async () => {
      await busy();
      const free: (() => void)[] = [];
      raw.answer = (socket) => void free.push(() => socket.write(OK));
      const who = randomUUID();
      const all = Array.from({ length: CONNECTIONS }, () => ask('/api/v1/live/a', 'POST', undefined, who));
      const most = Math.ceil(CONNECTIONS / 4);
      await waitFor(() => free.length === most);
      raw.answer = (socket) => void socket.write(OK);
      expect((await ask('/api/v1/live/a')).status).toBe(200);
      for (const answer of free) answer();
      const answers = await Promise.all(all);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(most);
      expect(answers.find(({ status }) => status !== 200)).toEqual({
        status: 429,
        code: 'too_many_requests',
        retryAfter: '1',
      });
    });

    it('loses no place to clients that go, wherever they do', async () => {
      await busy();
      let n = 0;
      raw.answer = (socket) => {
        n += 1;
        if (n % 3 === 0) socket.write(OK);
        else if (n % 3 === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf');
      };
      for (let round = 0; round < 15; round++) {
        await Promise.all(Array.from({ length: 20 }, (_, i) => ask('/api/v1/live/a', i % 2 ? 'POST' : 'GET', i)));
      }
      await waitFor(() => pool.counts.busy === 0 && pool.counts.waiting === 0, 3_000);
      raw.answer = (socket) => void socket.write(OK);
      expect((await ask('/api/v1/live/a')).status).toBe(200);
      await waitFor(() => raw.open <= 4, 2_000);
    });
  });
});
