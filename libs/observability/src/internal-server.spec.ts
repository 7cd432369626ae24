import { connect, Server } from 'node:net';
import { stopwatch } from '@puerta/testing';
import { InternalServer, type ReadinessChecks } from './internal-server';
import { createLogger, type Logger } from './logger';
import { Metrics } from './metrics';

let server: InternalServer;
let metrics: Metrics;
let lines: string[];
let listening: Server | undefined;

beforeEach(async () => {
  lines = [];
  const logger: Logger = createLogger({ name: 'sample', destination: { write: (line) => void lines.push(line) } });
  metrics = new Metrics('sample');
  server = new InternalServer({ service: 'sample', host: '127.0.0.1', port: 0, metrics, logger });
  const listens = jest.spyOn(Server.prototype, 'listen');
  await server.start();
  [listening] = listens.mock.contexts as Server[];
  listens.mockRestore();
});

afterEach(() => server.stop());

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { status: response.status, body: await response.text() };
}

const readiness = async (checks: ReadinessChecks): Promise<unknown> => {
  server.serving(checks);
  const { status, body } = await ask('/health/ready');
  return [status, JSON.parse(body)];
};

describe('the internal server', () => {
  it('says that the process is alive from the start, and not ready before it serves', async () => {
    expect(await ask('/health')).toEqual({ status: 200, body: '{"status":"healthy","service":"sample"}' });
    expect(await ask('/health/ready')).toEqual({
      status: 503,
      body: '{"status":"not_ready","not_ready":["starting"]}',
    });
  });

  it('names what is not ready: what says so, what fails, what does not answer in time', async () => {
    const checks: ReadinessChecks = {
      redis: () => false,
      postgres: () => Promise.reject(new Error('away')),
      identity: () => {
        throw new Error('away');
      },
      frozen: () => new Promise(() => undefined),
      fine: () => true,
      done: () => undefined,
    };
    const elapsed = stopwatch();
    expect(await readiness(checks)).toEqual([
      503,
      { status: 'not_ready', not_ready: ['frozen', 'identity', 'postgres', 'redis'] },
    ]);
    expect(elapsed()).toBeLessThan(2_500);
  });

  it('goes on when a connection could not be accepted, and says so', async () => {
    for (let n = 0; n < 3; n += 1) listening?.emit('error', new Error('accept ENFILE'));
    expect((await ask('/health')).status).toBe(200);
    expect(lines.filter((line) => line.includes('took no connection'))).toHaveLength(3);
  });

  it('logs changes of readiness, and not every probe', async () => {
    let up = true;
    const check = { redis: () => up };
    await readiness(check);
    up = false;
    await readiness(check);
    await readiness(check);
    up = true;
    expect(await readiness(check)).toEqual([200, { status: 'ready', not_ready: [] }]);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'the internal server listens',
      'not ready',
      'ready again',
    ]);
  });

  it('is not ready while it stops, whatever the checks say', async () => {
    server.serving({ redis: () => true });
    server.stopping();
    expect((await ask('/health/ready')).status).toBe(503);
    expect((await ask('/health')).status).toBe(200);
  });

  it('shows the metrics of this process, with its name', async () => {
    metrics.httpRequest({ method: 'GET', route: '/cards/:id', status: 200 }, 0.02);
    metrics.busCalled.observe({ callee: 'identity', pattern: 'access.check', outcome: 'ok' }, 0.003);
    metrics.counter('sample_total', 'Samples', ['kind']).inc({ kind: 'a' });
    metrics.gauge('sample_size', 'Size', () => 42);
    const { status, body } = await ask('/metrics?x=1');
    expect(status).toBe(200);
    expect(body).toContain(
      'puerta_http_request_duration_seconds_count{service="sample",method="GET",route="/cards/:id",status="200"} 1',
    );
    expect(body).toContain(
      'puerta_bus_call_duration_seconds_count{service="sample",callee="identity",pattern="access.check",outcome="ok"} 1',
    );
    expect(body).toContain('sample_total{kind="a",service="sample"} 1');
    expect(body).toContain('sample_size{service="sample"} 42');
    expect(body).toContain('nodejs_eventloop_lag_seconds');
  });

  it('knows nothing else, and only reads', async () => {
    expect((await ask('/')).status).toBe(404);
    expect((await ask('/metrics/')).status).toBe(404);
    expect((await ask('/health', { method: 'POST', body: 'x' })).status).toBe(405);
    expect(await ask('/health', { method: 'HEAD' })).toEqual({ status: 200, body: '' });
  });

  it.each([
    ['GET /health HTTP/2.0\r\nHost: x\r\n\r\n', 505],
    ['GET /health HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
    [`GET /health HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(2_005)}\r\n`, 431],
  ])('closes the connection of who may be misread (%#)', async (bytes, status) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${bytes}GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
  });

  it('refuses a port that is taken', async () => {
    const { port } = server;
    const second = new InternalServer({
      service: 'second',
      host: '127.0.0.1',
      port,
      metrics,
      logger: createLogger({ name: 's', destination: { write: () => undefined } }),
    });
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
