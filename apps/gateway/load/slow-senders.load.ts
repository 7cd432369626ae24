import { connect } from 'node:net';
import { rawRequest, sendRaw } from '../test/raw-http';
import { startTestGateway, type TestGateway } from '../test/test-gateway';

describe('senders that take their time', () => {
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

  it.concurrent('are cut off when their headers do not end', async () => {
    const [status, code, seconds] = await cutOff('GET / HTTP/1.1\r\nHost: x\r\nX-Slow');
    expect([status, code]).toEqual([408, 'request_timeout']);
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(14);
  });

  it.concurrent('are cut off when their body does not come', async () => {
    const headers = ['Content-Type: application/json', 'Content-Length: 100'];
    const [status, code, seconds] = await cutOff(
      rawRequest({ method: 'POST', path: '/api/v1/users/login', headers, body: '{"email":' }),
    );
    expect([status, code]).toEqual([408, 'request_timeout']);
    expect(seconds).toBeLessThan(24);
  });

  it.concurrent('are cut off soon when they go on sending what was refused', async () => {
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
});
