import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../test/test-gateway';

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

    const stopped = gateway.stop();
    await sleep(50);
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow();
    expect(idle.destroyed).toBe(true);
    answer({ name: 'Ana' });
    const response = await running;
    expect([response.status, await response.json()]).toEqual([200, { name: 'Ana' }]);
    await stopped;
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

  it('says hello', async () => {
    const gateway = await start();
    const http = new HttpClient(gateway.url);
    expect((await http.get('/')).body).toEqual({ message: 'Puerta API Gateway is running!' });
    expect((await http.get('/health')).body).toEqual({ status: 'healthy', service: 'Puerta API Gateway' });
  });
});

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
