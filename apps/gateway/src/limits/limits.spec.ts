import { TokenVerifier } from '@puerta/auth';
import { InvalidationSubscriber } from '@puerta/messaging';
import { answerOf, HttpClient, startRedis, stopwatch, type TestRedis, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
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

  it('count all members of a company together', async () => {
    await start({ GATEWAY_RATE_LIMIT_PER_COMPANY: '10' });
    const me = (n: number, claims = {}) => {
      const subject = `01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a${10 + n}`;
      return http.get('/api/v1/users/me', { token: gateway.accessToken(claims, { subject }), ...from(`192.0.2.${n}`) });
    };
    for (let n = 0; n < 10; n++) expect((await me(n)).status).toBe(200);
    const refused = await me(10);
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
    expect(refused.headers.get('ratelimit')).toMatch(/"company";r=0;t=\d+$/);
    expect((await me(10, { company_id: null })).status).toBe(200);
    expect((await me(10, { company_id: '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a99' })).status).toBe(200);
    // Nobody spends the limit of a company by naming it.
    gateway.facts = { ...gateway.facts, role: null };
    const other = { company_id: '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a98' };
    for (let n = 11; n < 22; n++) expect((await me(n, other)).status).toBe(200);
    gateway.facts = { ...gateway.facts, role: 'member' };
    expect((await me(22, other)).status).toBe(200);
  });

  it('count tokens that are refused for the address, which is refused before the next one is looked at', async () => {
    await start({ GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
    const guess = (token = `${gateway.accessToken().slice(0, -4)}AAAA`) =>
      http.get('/api/v1/users/me', { token, ...from('192.0.2.1') });
    const first = await guess();
    expect(first).toMatchObject({ status: 401, body: { code: 'access_token_invalid' } });
    expect(first.headers.get('ratelimit')).toBe('"address";r=9;t=6');
    for (let n = 0; n < 8; n++) expect((await guess()).status).toBe(401);
    expect((await guess('no token')).status).toBe(401);
    const verify = jest.spyOn(TokenVerifier.prototype, 'verify');
    try {
      expect((await guess()).status).toBe(429);
      verify.mockClear();
      for (let n = 0; n < 20; n++) {
        const refused = await guess(n % 2 ? undefined : gateway.accessToken());
        expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
        expect(refused.headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/);
        expect([5, 6]).toContain(Number(refused.headers.get('retry-after')));
      }
      expect(verify).not.toHaveBeenCalled();
    } finally {
      verify.mockRestore();
    }
    expect((await http.get('/api/v1/users/me', { token: gateway.accessToken() })).status).toBe(200);
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

    describe('of somebody who is known', () => {
      let control: Redis;
      const me = () => http.get('/api/v1/users/me', { token });
      let token: string;

      beforeEach(async () => {
        // Nothing was changed, and this is known.
        jest.spyOn(InvalidationSubscriber.prototype, 'fresh', 'get').mockReturnValue(true);
        control = new Redis(redis.url);
        const most = { GATEWAY_RATE_LIMIT_PER_ADDRESS: '60000', GATEWAY_RATE_LIMIT_PER_USER: '60000' };
        await start({ REDIS_URL: redis.url, ...most, GATEWAY_RATE_LIMIT_PER_COMPANY: '60000' });
        gateway.facts = { ...gateway.facts, ends_in_ms: 60_000 };
        token = gateway.accessToken();
      });

      afterEach(() => {
        jest.restoreAllMocks();
        control.disconnect();
      });

      it('are counted in one call of Redis at most, and mostly in none', async () => {
        await http.get('/api/v1/nothing');
        await control.config('RESETSTAT');
        const calls = async (): Promise<number> =>
          Number(/cmdstat_evalsha:calls=(\d+)/.exec(await control.info('commandstats'))?.[1] ?? 0);
        expect((await me()).status).toBe(200);
        // Somebody who is new, at all of their limits.
        expect(await calls()).toBe(1);
        for (let n = 0; n < 100; n++) expect((await me()).status).toBe(200);
        expect(await calls()).toBeLessThan(20);
      });

      it('may be spent while Redis is frozen as far as this replica holds them; then it refuses within a second', async () => {
        for (let n = 0; n < 30; n++) expect((await me()).status).toBe(200);
        redis.pause();
        try {
          const statuses: number[] = [];
          const elapsed = stopwatch();
          while (statuses.at(-1) !== 503) statuses.push((await me()).status);
          expect(elapsed()).toBeLessThan(1_900);
          expect(new Set(statuses)).toEqual(new Set([200, 503]));
        } finally {
          redis.resume();
        }
      });
    });

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
