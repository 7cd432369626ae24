import { DomainError } from '@puerta/contracts/core';
import { type Answer, answerOf, HttpClient, waitFor } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { LOGIN_BY_DEVICE, LOGIN_BY_EMAIL, LOGIN_BY_PAIR } from './limits';

const RIGHT = 'correct horse battery';
const DEVICE = 'D'.repeat(64);
const OWNER = '198.51.100.1';

let gateway: TestGateway;
let http: HttpClient;
/** Passwords that were looked at. */
let guesses: number;

beforeEach(async () => {
  gateway = await startTestGateway({ GATEWAY_RATE_LIMIT: 'on', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  http = new HttpClient(gateway.url);
  // Redis is connected to while the first requests come; all of these are to be counted.
  await waitFor(async () => (await http.get('/health/ready')).status === 200);
  guesses = 0;
  gateway.fakes.set('users.login', ({ password }) => {
    if (password === RIGHT) return answerOf('login');
    guesses += 1;
    throw new DomainError('invalid_credentials');
  });
  gateway.fakes.set('devices.check', ({ email, device_token }) => ({
    known: email === 'ana@example.com' && device_token === DEVICE,
  }));
});

afterEach(() => gateway.stop());

/** As the proxy in front says it. */
const login = (from: string, body: object = {}): Promise<Answer> =>
  http.post(
    '/api/v1/users/login',
    { email: 'ana@example.com', password: 'wrong password', ...body },
    { headers: { 'x-forwarded-for': from } },
  );
const right = (from: string, body: object = {}) => login(from, { password: RIGHT, ...body });
const address = (n: number) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
const statuses = async (answers: readonly Promise<Answer>[]): Promise<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_none, n) => make(n));

it('a stranger who guesses keeps themselves out, and not the owner', async () => {
  const { count, seconds } = LOGIN_BY_PAIR;
  for (let i = 0; i < 20; i++) expect((await login('192.0.2.1')).status).toBe(i < count ? 401 : 429);
  const refused = await login('192.0.2.1');
  expect(refused.body['code']).toBe('too_many_attempts');
  const wait = Number(refused.headers.get('retry-after'));
  expect(wait).toBeLessThanOrEqual(seconds / count);
  expect(wait).toBeGreaterThan(seconds / count / 2);
  expect((await right('192.0.2.1')).status).toBe(429);
  for (let i = 0; i < 3; i++) {
    expect((await right(OWNER)).status).toBe(200);
    await login('192.0.2.1');
  }
  expect((await login('192.0.2.1', { email: 'luis@example.com' })).status).toBe(401);
});

it('however the e-mail is written, and from whichever address of one IPv6 /64', async () => {
  const spellings = ['ana@münchen.de', ' ANA@MÜNCHEN.de ', 'ana@xn--mnchen-3ya.de', 'ａｎａ@münchen.de'];
  const tries = times(20, (n) => login(`2001:db8::${n + 1}`, { email: spellings[n % 4] }));
  expect((await statuses(tries))[401]).toBe(LOGIN_BY_PAIR.count);
  expect(guesses).toBe(LOGIN_BY_PAIR.count);
});

describe('guesses from many addresses', () => {
  const attack = (count: number) => statuses(times(count, (n) => login(address(n))));
  /** What is given back while they are made. */
  const SLACK = 2;

  it('are looked at 60 times at once, and no more than 120 times in any hour', async () => {
    const { count, seconds } = LOGIN_BY_EMAIL;
    expect(count * (1 + 3_600 / seconds)).toBe(120);
    const seen = await attack(200);
    expect(guesses).toBe(seen[401]);
    expect(guesses).toBeGreaterThanOrEqual(count);
    expect(guesses).toBeLessThanOrEqual(count + SLACK);
    expect(seen[429]).toBe(200 - guesses);
    // Nor does the right password tell itself to who has no guesses left.
    expect((await right('192.0.2.77')).status).toBe(429);
  });

  it('keep nobody out who logs in on a device of theirs, nor anybody else', async () => {
    await attack(100);
    for (let i = 0; i < 2 * LOGIN_BY_DEVICE.count; i++) {
      expect((await right(OWNER, { device_token: DEVICE })).status).toBe(200);
    }
    expect((await right(address(7), { device_token: DEVICE })).status).toBe(200);
    expect((await right(OWNER, { email: 'luis@example.com' })).status).toBe(200);
  });

  it('are not helped by a device that is made up, of another account, or cannot be looked at', async () => {
    await attack(100);
    const before = guesses;
    for (const device_token of ['E'.repeat(64), 'D'.repeat(63), `${DEVICE}D`, '', 7, null, [DEVICE]]) {
      expect([429, 422]).toContain((await login('192.0.2.2', { device_token })).status);
    }
    gateway.fakes.set('devices.check', () => {
      throw new DomainError('service_unavailable');
    });
    expect((await login('192.0.2.3', { device_token: DEVICE })).status).toBe(429);
    expect(guesses).toBeLessThanOrEqual(before + SLACK);
  });
});

it('a device that is known has guesses of its own, and no more than anybody', async () => {
  const tries = times(30, (n) => login(address(n), { device_token: DEVICE }));
  expect((await statuses(tries))[401]).toBe(LOGIN_BY_DEVICE.count);
  // Strangers beside it on the same address are counted by themselves.
  expect((await right(address(0))).status).toBe(200);
});

it('whoever knows the password is not counted', async () => {
  const tries = times(100, (n) => right(address(n % 25)));
  expect(await statuses(tries)).toEqual({ 200: 100 });
});
