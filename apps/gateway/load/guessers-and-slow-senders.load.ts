import { connect } from 'node:net';
import { DomainError } from '@puerta/contracts/core';
import { HttpClient, waitFor } from '@puerta/testing';
import { LOGIN_BY_EMAIL } from '../src/limits/limits';
import { rawRequest, sendRaw } from '../test/raw-http';
import { startTestGateway, type TestGateway } from '../test/test-gateway';

const ADDRESSES = 10_000;
const AT_ONCE = 100;

/** Guessers work, slow senders wait: side by side. */
describe('a gateway under attack', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway();
  });

  afterAll(() => gateway.stop());

  const cutOff = async (...parts: (string | Buffer)[]): Promise<[status: number, code: unknown, seconds: number]> => {
    const started = performance.now();
    const { status, body } = await sendRaw(gateway.url, ...parts);
    return [status, body['code'], (performance.now() - started) / 1_000];
  };

  it.concurrent('slow senders are cut off when their headers do not end', async () => {
    const [status, code, seconds] = await cutOff('GET / HTTP/1.1\r\nHost: x\r\nX-Slow');
    expect([status, code]).toEqual([408, 'request_timeout']);
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(14);
  });

  it.concurrent('slow senders are cut off when their body does not come', async () => {
    const headers = ['Content-Type: application/json', 'Content-Length: 100'];
    const [status, code, seconds] = await cutOff(
      rawRequest({ method: 'POST', path: '/api/v1/users/login', headers, body: '{"email":' }),
    );
    expect([status, code]).toEqual([408, 'request_timeout']);
    expect(seconds).toBeLessThan(24);
  });

  it.concurrent('slow senders are cut off soon when they go on sending what was refused', async () => {
    const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const started = performance.now();
    const closed = new Promise((resolve) => socket.once('close', resolve).on('error', () => undefined));
    socket.write(rawRequest({ method: 'POST', path: '/api/v1/cards', headers }));
    const sending = setInterval(() => socket.write(`4\r\nxxxx\r\n`), 100);
    await closed;
    clearInterval(sending);
    expect((performance.now() - started) / 1_000).toBeLessThan(8);
  });

  it.concurrent('ten thousand addresses, one guess each, have no more guesses at one password than a few', async () => {
    const gateway = await startTestGateway({ GATEWAY_RATE_LIMIT: 'on', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
    const http = new HttpClient(gateway.url);
    let guesses = 0;
    gateway.fakes.set('users.login', () => {
      guesses += 1;
      throw new DomainError('invalid_credentials');
    });
    await waitFor(async () => (await http.get('/health/ready')).status === 200);
    const began = performance.now();
    const seen: Record<number, number> = {};
    let next = 0;
    const attack = async (): Promise<void> => {
      for (let n = next++; n < ADDRESSES; n = next++) {
        const headers = { 'x-forwarded-for': `10.0.${n >> 8}.${n & 255}` };
        const body = { email: 'ana@example.com', password: `wrong password ${n}` };
        const { status } = await http.post('/api/v1/users/login', body, { headers });
        seen[status] = (seen[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, attack));
    const seconds = (performance.now() - began) / 1_000;
    console.log(`${ADDRESSES} addresses in ${seconds.toFixed(0)} s: ${JSON.stringify(seen)}`);
    const { count, seconds: window } = LOGIN_BY_EMAIL;
    // The others were refused before anybody looked.
    expect(guesses).toBe(seen[401]);
    expect(guesses).toBeGreaterThanOrEqual(count);
    expect(guesses).toBeLessThanOrEqual(count + Math.ceil((seconds * count) / window));
    await gateway.stop();
  });
});
