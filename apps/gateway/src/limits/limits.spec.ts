import { answerOf, HttpClient, startRedis, stopwatch, type TestRedis, waitFor } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { LOGIN_BY_ADDRESS } from './limits';

const login = (email: string) => ({ email, password: 'wrong password' });

describe('limits of requests', () => {
  let gateway: TestGateway;
  let http: HttpClient;
  const start = async (environ: Record<string, string> = {}): Promise<void> => {
    gateway = await startTestGateway({
      GATEWAY_RATE_LIMIT: 'on',
      GATEWAY_RATE_LIMIT_PER_ADDRESS: '100',
      GATEWAY_RATE_LIMIT_PER_USER: '10',
      GATEWAY_TRUSTED_PROXIES: '127.0.0.1',
      ...environ,
    });
    http = new HttpClient(gateway.url);
    gateway.fakes.set('users.me', () => answerOf('getMe'));
    gateway.fakes.set('users.login', () => answerOf('login'));
  };
  /** As the proxy in front says it. */
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

  afterEach(() => gateway.stop());

  it('are told in every answer, and refuse with Retry-After', async () => {
    await start({ GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
    const first = await http.get('/api/v1/nothing', from('192.0.2.1'));
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=10;w=60');
    expect(first.headers.get('ratelimit')).toBe('"address";r=9;t=6');
    for (let i = 0; i < 9; i++) expect((await http.get('/api/v1/nothing', from('192.0.2.1'))).status).toBe(404);
    const refused = await http.get('/api/v1/nothing', from('192.0.2.1'));
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests', detail: 'Try again in 6 s' } });
    expect(refused.headers.get('retry-after')).toBe('6');
    expect(refused.headers.get('ratelimit')).toBe('"address";r=0;t=60');
    expect((await http.get('/api/v1/nothing', from('192.0.2.2'))).status).toBe(404);
    expect((await http.get('/health', from('192.0.2.1'))).status).toBe(200);
  });

  it('count a user on whichever address', async () => {
    await start();
    const token = gateway.accessToken();
    const began = performance.now();
    for (let i = 0; i < 10; i++) {
      const answer = await http.get('/api/v1/users/me', { token, ...from(`192.0.2.${i}`) });
      const [, remaining, seconds] =
        /^"address";r=99;t=1, "user";r=(\d);t=(\d+), "company";r=5[789]\d\d;t=1$/.exec(
          answer.headers.get('ratelimit') ?? '',
        ) ?? [];
      expect([answer.status, remaining]).toEqual([200, String(9 - i)]);
      // What is given back while the requests are made counts.
      const [most, gone] = [6 * (i + 1), Math.ceil((performance.now() - began) / 1_000)];
      expect(Number(seconds)).toBeLessThanOrEqual(most);
      expect(Number(seconds)).toBeGreaterThanOrEqual(most - gone);
    }
    expect(await http.get('/api/v1/users/me', { token, ...from('192.0.2.99') })).toMatchObject({ status: 429 });
    const other = gateway.accessToken({}, { subject: '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11' });
    expect((await http.get('/api/v1/users/me', { token: other, ...from('192.0.2.99') })).status).toBe(200);
  });

  it('count sign-ins from one address, at whichever e-mails', async () => {
    await start();
    for (let i = 0; i < LOGIN_BY_ADDRESS.count; i++) {
      expect((await http.post('/api/v1/users/login', login(`user${i}@example.com`), from('192.0.2.1'))).status).toBe(
        200,
      );
    }
    const refused = await http.post('/api/v1/users/login', login('another@example.com'), from('192.0.2.1'));
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
    expect((await http.get('/', from('192.0.2.1'))).status).toBe(200);
  });

  it('are not escaped by naming another address, where no proxy is trusted', async () => {
    await start({ GATEWAY_TRUSTED_PROXIES: '10.0.0.0/8', GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
    for (let i = 0; i < 10; i++) await http.get('/api/v1/nothing', from(`192.0.2.${i}`));
    const forged = {
      headers: { 'x-forwarded-for': '192.0.2.77', forwarded: 'for=192.0.2.77', 'x-real-ip': '192.0.2.77' },
    };
    expect((await http.get('/api/v1/nothing', forged)).status).toBe(429);
  });

  it('are not escaped by what a client puts before the address that the proxy saw', async () => {
    await start({ GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
    for (let i = 0; i < 10; i++) await http.get('/api/v1/nothing', from(`198.51.100.${i}, 192.0.2.1`));
    expect((await http.get('/api/v1/nothing', from('198.51.100.99, 192.0.2.1'))).status).toBe(429);
  });

  it('are not escaped by another address of one IPv6 /64, nor by the port that a proxy appends', async () => {
    await start({ GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
    for (const address of [
      (n: number) => `2001:db8:1:2:${n}::1`,
      (n: number) => `[2001:db8:1:3::1]:${40_000 + n}`,
      (n: number) => `192.0.2.1:${40_000 + n}`,
    ]) {
      for (let i = 0; i < 10; i++) await http.get('/api/v1/nothing', from(address(i)));
      expect([address(10), (await http.get('/api/v1/nothing', from(address(10)))).status]).toEqual([address(10), 429]);
    }
  });

  describe('with a Redis of their own', () => {
    let redis: TestRedis;

    beforeAll(async () => {
      redis = await startRedis();
    });

    afterAll(() => redis.close());

    it.each<[how: string, away: () => unknown, back: () => unknown]>([
      ['stopped', () => redis.stop(), () => redis.start()],
      ['frozen', () => redis.pause(), () => redis.resume()],
    ])(
      'refuse within a second while it is %s; the gateway is alive, not ready, and recovers by itself',
      async (_how, away, back) => {
        await start({ REDIS_URL: redis.url });
        await away();
        for (const [path, code] of [
          ['/api/v1/users/me', 'auth_unavailable'],
          ['/scan/AAAAAAAAAAAAAAAAAAAAAA', 'service_unavailable'],
        ] as const) {
          const elapsed = stopwatch();
          const answer = await http.get(path, { token: gateway.accessToken() });
          expect(elapsed()).toBeLessThan(1_000);
          expect(answer).toMatchObject({ status: 503, body: { code } });
          expect(answer.headers.get('retry-after')).toBe('2');
        }
        expect((await http.get('/health')).status).toBe(200);
        expect((await http.get('/assets/puerta.css')).status).toBe(200);
        expect(await http.get('/health/ready')).toMatchObject({ status: 503, body: { status: 'not_ready' } });
        await back();
        await waitFor(
          async () => (await http.get('/api/v1/users/me', { token: gateway.accessToken() })).status === 200,
        );
        await waitFor(async () => (await http.get('/health/ready')).status === 200);
      },
    );
  });
});
