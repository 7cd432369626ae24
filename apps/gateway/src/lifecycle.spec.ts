import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient, Wire } from '@puerta/testing';
import { rawRequest, sendRaw } from '../test/raw-http';
import { startTestGateway, type TestGateway } from '../test/test-gateway';

const CARD = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';

describe('the gateway', () => {
  const started: TestGateway[] = [];
  const start = async (environ?: Record<string, string>): Promise<TestGateway> => {
    const gateway = await startTestGateway(environ);
    started.push(gateway);
    return gateway;
  };

  afterEach(async () => {
    await Promise.all(started.splice(0).map((gateway) => gateway.stop()));
  });

  it('finishes what was begun when it stops, takes nothing new, and closes idle connections', async () => {
    const gateway = await start();
    let answer: ((value: object) => void) | undefined;
    gateway.fakes.set('users.me', () => new Promise((resolve) => (answer = resolve)));
    const idle = await keepAlive(gateway);
    const running = fetch(`${gateway.url}/api/v1/users/me`, {
      headers: { authorization: `Bearer ${gateway.accessToken()}` },
    });
    while (!answer) await sleep(5);

    const stopped = gateway.shutdown();
    await sleep(50);
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow();
    expect(idle.destroyed).toBe(false);
    await once(idle, 'close');
    answer({ name: 'Ana' });
    const response = await running;
    expect([response.status, response.headers.get('connection'), await response.json()]).toEqual([
      200,
      'close',
      { name: 'Ana' },
    ]);
    await stopped;
  });

  it('goes on serving for a while before it stops, if it is to wait until that was noticed', async () => {
    const gateway = await start({ GATEWAY_SHUTDOWN_DELAY: '1' });
    const stopped = gateway.shutdown();
    await sleep(500);
    const headers = { connection: 'close' };
    expect((await fetch(`${gateway.url}/health`, { headers })).status).toBe(200);
    await stopped;
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow();
  });

  it('does not start on a port that is taken', async () => {
    const first = await start();
    await expect(start({ PORT: new URL(first.url).port })).rejects.toThrow(/EADDRINUSE/);
  });

  it('is ready while Redis and each service are there, and tells operators alone what is missing', async () => {
    const gateway = await start();
    const http = new HttpClient(gateway.url);
    expect(await http.get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
    gateway.replicas.set('card-issuer', 0);
    await sleep(600);
    const missing = await http.get('/health/ready');
    expect([missing.status, missing.body, missing.headers.get('retry-after')]).toEqual([
      503,
      { status: 'not_ready' },
      '2',
    ]);
    expect(await gateway.internal.notReady()).toEqual(['card-issuer']);
    expect(gateway.lines.some((line) => line.includes('"not_ready":["card-issuer"]'))).toBe(true);
    gateway.internal.stopping();
    await sleep(600);
    expect((await http.get('/health/ready')).status).toBe(503);
    expect((await http.get('/health')).status).toBe(200);
  });

  it('counts and times requests by route, never by address', async () => {
    const gateway = await start();
    const http = new HttpClient(gateway.url);
    await http.get('/scan/AAAAAAAAAAAAAAAAAAAAAA');
    await http.get('/somewhere/secret');
    await http.request('PURGE', '/health', undefined).catch(() => undefined);
    const text = await gateway.metrics.registry.metrics();
    expect(text).toMatch(
      /puerta_http_request_duration_seconds_count\{[^}]*method="GET",route="\/scan\/:code",status="503"[^}]*\} 1/,
    );
    expect(text).toMatch(/puerta_http_request_duration_seconds_count\{[^}]*route="none",status="404"/);
    expect(text).not.toMatch(/AAAA|secret/);
    expect((await http.get('/metrics')).status).toBe(404);
  });

  it('goes on when a connection could not be accepted, and says so', async () => {
    const gateway = await start();
    for (let n = 0; n < 3; n += 1) gateway.app.getHttpServer().emit('error', new Error('accept ENFILE'));
    expect((await new HttpClient(gateway.url).get('/health')).status).toBe(200);
    expect(gateway.lines.filter((line) => line.includes('took no connection'))).toHaveLength(3);
  });

  /** An error event that nobody listens to would be an uncaught exception, which fails the test. */
  it('goes on when connections are reset, after whichever byte of a request or of its answer', async () => {
    const gateway = await start();
    const wire = new Wire(new URL(gateway.url));
    await wire.open();
    const authorization = `Authorization: Bearer ${gateway.accessToken()}`;
    const json = ['Content-Type: application/json', 'Idempotency-Key: k', authorization];
    const photo = ['Content-Type: image/png', 'Idempotency-Key: k', authorization];
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    const requests = [
      rawRequest({ path: '/docs' }),
      rawRequest({ path: '/api/v1/users/me', headers: [authorization, ...upgrade] }),
      rawRequest({ method: 'POST', path: '/api/v1/cards', headers: json, body: '{"holder":{"name":"Ana"}}' }),
      rawRequest({ method: 'PUT', path: `/api/v1/cards/${CARD}/photo`, headers: photo, body: Buffer.alloc(10_000) }),
      Buffer.concat([rawRequest({ path: '/health' }), rawRequest({ path: '/docs' })]),
      rawRequest({ method: 'CONNECT', path: 'example.com:80' }),
      Buffer.from('\0\0\r\n\r\n'),
    ];
    const parts = (of: number): number[] => Array.from({ length: 8 }, (_, n) => Math.round((of * n) / 7));
    const sent = requests.flatMap((bytes) => parts(bytes.length).map((end) => brokenOff(gateway.url, bytes, end)));
    await Promise.all(sent);
    for (const given of [0, 1, 100, 1_000, 10_000]) {
      wire.resetAfter(given);
      await Promise.all(requests.map((bytes) => sendRaw(wire.through(gateway.url), bytes).catch(() => undefined)));
    }
    await wire.close();
    expect((await new HttpClient(gateway.url).get('/health')).status).toBe(200);
  });

  it('says hello', async () => {
    const gateway = await start();
    const http = new HttpClient(gateway.url);
    expect((await http.get('/')).body).toEqual({ message: 'Puerta API Gateway is running!' });
    expect((await http.get('/health')).body).toEqual({ status: 'healthy', service: 'Puerta API Gateway' });
  });
});

/** Sends the beginning of some bytes, and resets the connection. */
async function brokenOff(url: string, bytes: Buffer, end: number): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes.subarray(0, end));
  await sleep(10);
  socket.resetAndDestroy();
}

/** A connection that asked once and is kept. */
async function keepAlive({ url }: TestGateway): Promise<Socket> {
  const asked = request(`${url}/health`, { agent: new Agent({ keepAlive: true }) });
  const [[socket]] = await Promise.all([
    once(asked, 'socket') as Promise<[Socket]>,
    once(asked, 'response').then(([response]) => once((response as IncomingMessage).resume(), 'end')),
    asked.end(),
  ]);
  return socket;
}
