import { randomBytes } from 'node:crypto';
import { answerOf, HttpClient, waitFor } from '@puerta/testing';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';

describe('the log', () => {
  let gateway: TestGateway;
  let http: HttpClient;

  beforeAll(async () => {
    gateway = await startTestGateway({ GATEWAY_LOG_LEVEL: 'trace' });
    http = new HttpClient(gateway.url);
  });

  afterAll(() => gateway.stop());

  beforeEach(() => {
    gateway.lines.length = 0;
  });

  const requests = () =>
    gateway.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'request');

  it('has one line for each request: what was asked by whom, and what came of it', async () => {
    gateway.fakes.set('users.me', () => answerOf('getMe'));
    const headers = {
      'x-request-id': 'request-1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    await http.get('/api/v1/users/me', { token: gateway.accessToken(), headers });
    await http.get('/api/v1/users/me', { headers: { 'x-request-id': 'request-2' } });
    expect(requests()).toEqual([
      expect.objectContaining({
        level: 'info',
        method: 'GET',
        route: '/api/v1/users/me',
        status: 200,
        bytes: Buffer.byteLength(JSON.stringify(answerOf('getMe'))),
        duration_ms: expect.any(Number),
        request_id: 'request-1',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        user_id: ACTOR.user_id,
        company_id: ACTOR.company_id,
      }),
      expect.objectContaining({ status: 401, code: 'unauthenticated', request_id: 'request-2' }),
    ]);
  });

  it('has a line for a probe only when that fails', async () => {
    await http.get('/health');
    expect((await http.get('/health/ready')).status).toBe(200);
    expect(requests()).toEqual([]);
    gateway.replicas.set('identity', 0);
    await waitFor(async () => (await http.get('/health/ready')).status === 503);
    gateway.replicas.set('identity', 1);
    expect(requests().map(({ status, route }) => [status, route])).toEqual([[503, '/health/ready']]);
  });

  it('has a line for what no handler sees', async () => {
    await http.get('/%zz');
    await http.get(`/api/v1/cards/${'x'.repeat(300)}`);
    await http.get('/nothing');
    await http.request('OPTIONS', '/api/v1/cards', undefined);
    expect(requests().map(({ status, route, code }) => [status, route, code])).toEqual([
      [400, 'none', 'bad_request'],
      [414, 'none', 'uri_too_long'],
      [404, 'none', 'not_found'],
      [204, 'none', undefined],
    ]);
  });

  it('has no password, token, code or personal data, whatever fails', async () => {
    const canary = (): string => `canary${randomBytes(8).toString('hex')}`;
    const [password, email, refresh, name, secret] = [
      canary(),
      `${canary()}@example.com`,
      canary().padEnd(43, 'A'),
      canary(),
      canary(),
    ];
    // What the fakes answer here is no answer of these routes.
    const http = new HttpClient(gateway.url, { described: false });
    const login = { access_token: secret, refresh_token: secret, name, email };
    const token = gateway.accessToken({ email });
    const outcomes: (() => unknown)[] = [
      () => login,
      () => {
        throw new Error(`${password} ${email} ${secret}`);
      },
      () => {
        throw Object.assign(new TypeError(secret), {
          detail: password,
          parameters: [email],
          query: secret,
          request: { body: password },
        });
      },
    ];
    for (const outcome of outcomes) {
      for (const pattern of [
        'users.login',
        'users.register',
        'sessions.refresh',
        'sessions.end',
        'users.me',
        'companies.ensure',
      ])
        gateway.fakes.set(pattern, outcome);
      await http.post('/api/v1/users/login', { email, password });
      await http.post('/api/v1/users/register', { name, email, password, invitation: refresh });
      await http.post('/api/v1/users/refresh', { refresh_token: refresh });
      await http.post('/api/v1/users/logout', { refresh_token: refresh }, { token });
      await http.post('/api/v1/users/me/ensure-company', { invitation: refresh }, { token });
      await http.get('/api/v1/users/me', { token });
    }
    await http.post('/api/v1/users/login', `{"email":"${email}","password":"${password}`, {
      headers: { 'content-type': 'application/json' },
    });
    await http.post('/api/v1/users/login', { email, password, [secret]: secret });
    await http.post('/api/v1/users/login', { email: secret, password: [password] });
    await http.get(`/api/v1/users/me?token=${secret}`, { token: `${token}${secret}` });
    await http.get(`/${secret}/%zz`, {
      headers: { authorization: `Basic ${secret}`, cookie: `session=${secret}`, 'idempotency-key': secret },
    });

    expect(gateway.lines.length).toBeGreaterThan(20);
    const signature = token.split('.')[2] ?? '';
    const leaks = gateway.lines.filter(
      (line) => line.includes('canary') || line.includes(signature) || line.includes(token),
    );
    expect(leaks).toEqual([]);
  });
});
