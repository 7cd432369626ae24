import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '@puerta/testing';
import { DomainError } from '@puerta/contracts/core';
import { ACTOR, PUBLIC_URL, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { SCAN_MISSES } from '../limits/limits';

const CODE = 'Zm9vYmFyYmF6cXV4Zm9vYQ';
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('a scan', () => {
  let gateway: TestGateway;
  let http: HttpClient;

  beforeAll(async () => {
    gateway = await startTestGateway();
    http = new HttpClient(gateway.url);
  });

  afterAll(() => gateway.stop());

  beforeEach(() => {
    gateway.asked.length = 0;
    gateway.fakes.set('scans.open', ({ code }) => {
      if (code !== CODE) throw new DomainError('card_not_found');
      return { scan_pass: 'header.payload.signature', expires_in: 120 };
    });
  });

  it('answers browsers with the built-in page, and the pass in no address', async () => {
    const answer = await http.get<string>(`/scan/${CODE}`, { headers: { accept: BROWSER } });
    expect(answer.status).toBe(200);
    expect(answer.body).toBe(
      (await http.get<string>('/profile')).body.replace(
        '<meta name="scan-pass" content="">',
        '<meta name="scan-pass" content="header.payload.signature">',
      ),
    );
    expect(answer.body).toContain('header.payload.signature');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringMatching(/default-src 'none';script-src 'self';style-src 'self'/),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      vary: 'Origin, Accept',
    });
    expect(answer.headers.has('location')).toBe(false);
    expect(gateway.asked).toEqual([{ pattern: 'scans.open', data: { code: CODE }, options: undefined }]);
  });

  it('leads programs to the built-in page with a pass that nobody keeps or passes on', async () => {
    const answer = await http.get(`/scan/${CODE}`);
    expect([answer.status, answer.headers.get('vary')]).toEqual([302, 'Origin, Accept']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      location: `${PUBLIC_URL}/profile?token=header.payload.signature`,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(gateway.asked).toEqual([{ pattern: 'scans.open', data: { code: CODE }, options: undefined }]);
  });

  const dead = [
    'AAAAAAAAAAAAAAAAAAAAAA',
    'short',
    CODE.toLowerCase(),
    `${CODE}A`,
    CODE.slice(0, -1),
    `${CODE.slice(0, -1)}R`,
    `${CODE}%00`,
    `${CODE}=`,
    '%F0%9F%98%80',
    '..%2f..%2fetc',
    "'%20OR%201=1",
    'x'.repeat(101),
    'x'.repeat(3_000),
    '%zz',
    '%ff',
  ];

  it('has one identical answer for every dead code', async () => {
    for (const accept of ['*/*', BROWSER]) {
      const bodies = new Set<string>();
      for (const code of dead) {
        const headers = { accept, 'x-request-id': 'same' };
        const answer = await http.get<unknown>(`/scan/${code}`, { headers });
        expect([code.slice(0, 20), answer.status]).toEqual([code.slice(0, 20), 404]);
        bodies.add(JSON.stringify(answer.body) + answer.headers.get('content-type'));
      }
      expect([...bodies]).toHaveLength(1);
    }
    const asked = gateway.asked.map(({ data }) => data['code']);
    expect(new Set(asked)).toEqual(new Set(['AAAAAAAAAAAAAAAAAAAAAA']));
  });

  it('says so to programs as a problem, without the code', async () => {
    const answer = await http.get(`/scan/short`);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ code: 'card_not_found', instance: '/scan' });
  });

  it('says so to people on a page, in their language', async () => {
    const answer = await http.get<string>('/scan/short', { headers: { accept: BROWSER, 'accept-language': 'es-VE' } });
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toMatch(
      /default-src 'none';script-src 'self';style-src 'self'/,
    );
    expect(answer.headers.get('vary')).toBe('Origin, Accept-Language, Accept');
    expect(answer.body).toContain('<html lang="es" data-tone="bad">');
    expect(answer.body).toContain('No válido');
    expect(answer.body).toContain('No acepte este carnet');
    expect(answer.body).not.toMatch(/suspend|revoc|caduc|vencid/i);
    expect(answer.body).not.toMatch(/<script|<style|style=|\son\w+=/);
  });

  it('shows a page, too, when nobody can look the card up', async () => {
    gateway.fakes.delete('scans.open');
    const answer = await http.get<string>(`/scan/${CODE}`, { headers: { accept: BROWSER } });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(answer.body).toContain('data-tone="wary"');
    expect(answer.body).toContain('The service is not available now');
    expect(answer.body).toContain('Please try again in a moment');
  });

  it('is not recorded when an app only previews the link', async () => {
    const answer = await http.request('HEAD', `/scan/${CODE}`);
    expect(answer.status).toBe(200);
    expect(gateway.asked).toEqual([]);
  });

  it('leads to the front end where there is one, and then there is no page of ours', async () => {
    const other = await startTestGateway({ FRONTEND_PROFILE_URL: 'https://front.example.com/ver-perfil' });
    other.fakes.set('scans.open', () => ({ scan_pass: 'p', expires_in: 120 }));
    const client = new HttpClient(other.url);
    expect((await client.get(`/scan/${CODE}`)).headers.get('location')).toBe(
      'https://front.example.com/ver-perfil?token=p',
    );
    expect(await client.get(`/scan/${CODE}`, { headers: { accept: BROWSER } })).toMatchObject({ status: 302 });
    expect((await client.get('/profile')).status).toBe(404);
    await other.stop();
  });

  describe('and its profile', () => {
    const profile = {
      name: 'Luis Rojas',
      number: '26-10001',
      company: 'Universidad Demo',
      title: null,
      unit: null,
      status: 'active',
      photo_url: null,
      valid_until: null,
    };

    it('is shown to the pass, by the scan in it', async () => {
      gateway.fakes.set('scans.profile', () => profile);
      const scanId = randomUUID();
      const answer = await http.get('/api/v1/scan/profile', { token: gateway.scanPass({}, { subject: scanId }) });
      expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([200, profile, 'no-store']);
      const data = { scan_id: scanId, pass_expires_at: expect.any(Number) as number };
      expect(gateway.asked).toEqual([{ pattern: 'scans.profile', data, options: undefined }]);
    });

    it.each<[what: string, token: () => string | undefined, code: string]>([
      ['no pass', () => undefined, 'unauthenticated'],
      ['a pass whose life is over', () => gateway.scanPass({}, { expiresIn: -1 }), 'scan_expired'],
      ['an access token', () => gateway.accessToken(), 'access_token_invalid'],
      [
        'a pass of another issuer',
        () => gateway.scanPass({}, { issuer: 'https://evil.example.com' }),
        'access_token_invalid',
      ],
      ['a pass for another audience', () => gateway.scanPass({}, { audience: 'puerta' }), 'access_token_invalid'],
    ])('is not shown to %s', async (_what, token, code) => {
      const bearer = token();
      const answer = await http.get('/api/v1/scan/profile', bearer ? { token: bearer } : {});
      expect(answer).toMatchObject({ status: 401, body: { code } });
      expect(gateway.asked).toEqual([]);
    });

    it('is not shown when the card changed since', async () => {
      gateway.fakes.set('scans.profile', () => {
        throw new DomainError('scan_expired');
      });
      const answer = await http.get('/api/v1/scan/profile', { token: gateway.scanPass() });
      expect(answer).toMatchObject({ status: 401, body: { code: 'scan_expired' } });
      expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
    });
  });

  describe('that guesses', () => {
    let guessed: TestGateway;
    const guess = (from: string, code = randomBytes(16).toString('base64url'), headers = {}) =>
      new HttpClient(guessed.url).get<string>(`/scan/${code}`, { headers: { 'x-forwarded-for': from, ...headers } });
    const looked = (): number => guessed.asked.length;
    const counted = async (outcome: string): Promise<number> => {
      const text = await guessed.metrics.registry.getSingleMetricAsString('puerta_scans_total');
      return Number(new RegExp(`outcome="${outcome}".*} (\\d+)`).exec(text)?.[1]);
    };

    beforeAll(async () => {
      guessed = await startTestGateway({ GATEWAY_RATE_LIMIT: 'on', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
    });

    beforeEach(() => {
      guessed.asked.length = 0;
      guessed.fakes.set('scans.open', async ({ code }) => {
        await sleep(5);
        if (code !== CODE) throw new DomainError('card_not_found');
        return { scan_pass: 'p', expires_in: 120 };
      });
    });

    afterAll(() => guessed.stop());

    it.each<[where: string, address: (n: number) => string]>([
      ['one address', () => '192.0.2.1'],
      ['one IPv6 /64', (n) => `2001:db8:1:2:${n.toString(16)}::1`],
    ])('from %s ends after a few, also when all come at once', async (_where, address) => {
      const began = performance.now();
      const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => guess(address(n))));
      const refilled = Math.ceil(((performance.now() - began) / 1_000) * (SCAN_MISSES.count / SCAN_MISSES.seconds));
      expect(looked()).toBeGreaterThanOrEqual(SCAN_MISSES.count);
      expect(looked()).toBeLessThanOrEqual(SCAN_MISSES.count + refilled);
      expect(answers.filter(({ status }) => status === 404)).toHaveLength(looked());
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(200 - looked());
      const refused = await guess(address(201));
      expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      // Neither does a code that would open a card: else the refusal would tell nothing, and guessing would go on.
      expect((await guess(address(202), CODE)).status).toBe(429);
      expect((await guess('198.51.100.1', CODE)).status).toBe(302);
      const page = (await guess(address(203), CODE, { accept: BROWSER })).body;
      expect(page).toContain('data-tone="wary"');
      expect(page).toMatch(/Try again in \d s\./);
    });

    it('is not what a door does that admits people, nor one that cannot ask', async () => {
      const door = '192.0.2.3';
      const many = SCAN_MISSES.count + 10;
      for (let n = 0; n < many; n++) expect((await guess(door, CODE)).status).toBe(302);
      guessed.fakes.delete('scans.open');
      for (let n = 0; n < many; n++) expect((await guess(door, CODE)).status).toBe(503);
    });

    it('from many addresses shows in the misses of the whole installation', async () => {
      const before = await counted('missed');
      const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => guess(`203.0.113.${n}`)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
      expect((await counted('missed')) - before).toBe(70);
      const others = [await counted('opened'), await counted('malformed'), await counted('failed')];
      await Promise.all([guess('203.0.113.1', CODE), guess('203.0.113.1', 'short')]);
      expect([await counted('opened'), await counted('malformed'), await counted('failed')]).toEqual([
        (others[0] ?? 0) + 1,
        (others[1] ?? 0) + 1,
        others[2],
      ]);
      expect((await counted('missed')) - before).toBe(70);
    });

    it('is alerted on by metrics that there are', async () => {
      const rules = await readFile(join(__dirname, '../../../../docker/prometheus/puerta.rules.yml'), 'utf8');
      const named = [...rules.matchAll(/\bpuerta_\w+/g)].map(([name]) => name.replace(/_count$/, ''));
      expect(named).toContain('puerta_scans_total');
      for (const name of named) expect(guessed.metrics.registry.getSingleMetric(name)).toBeDefined();
      for (const [, outcome = ''] of rules.matchAll(/outcome="(\w+)"/g)) expect(await counted(outcome)).not.toBeNaN();
    });
  });

  it('leaves no trace of code, pass or tokens in the log', async () => {
    const pass = gateway.scanPass();
    const access = gateway.accessToken();
    await http.get(`/scan/${CODE}`);
    await http.get(`/scan/${CODE}`, { headers: { accept: BROWSER } });
    await http.get(`/scan/${CODE}/?x=${CODE}`);
    await http.get(`/profile?token=${pass}`);
    await http.get('/api/v1/scan/profile', { token: pass });
    await http.get(`/api/v1/users/me?token=${access}`, { token: access });
    expect(gateway.lines.length).toBeGreaterThan(4);
    for (const secret of [CODE, pass, access, pass.split('.')[2], access.split('.')[2], ACTOR.email]) {
      expect(gateway.lines.filter((line) => line.includes(secret ?? ''))).toEqual([]);
    }
  });
});
