import {
  type ActivityPage,
  type Card,
  type CreatedToken,
  type LoginAnswer,
  type ScanProfile,
  tokenServiceContract,
  type UserProfile,
} from '@puerta/contracts';
import { ServiceClient } from '@puerta/messaging';
import {
  readQrCodes,
  refusedByRedis,
  startPuerta,
  waitFor,
  type Answer,
  type HttpClient,
  type Puerta,
  type RedisServers,
} from '@puerta/testing';
import { askAs } from './bus';
import { administrator, expectStatus, holder, issueCard, member, PASSWORD, register } from './people';

/** Scan passes live so many seconds where the story is told, so that their end can be waited for. */
export const PASS_SECONDS = 3;

/**
 * @param start gives the installation that it is told on
 * @param servers the Redis servers of that, where it is not one alone
 */
export function tellTheStory(start: () => Promise<Puerta>, servers?: () => RedisServers): void {
  let puerta: Puerta;
  let api: HttpClient;

  beforeAll(async () => {
    puerta = await start();
    api = puerta.api();
  }, 120_000);

  /** The path of a card's scan URL, at the gateway under test. */
  const scan = (card: Card) => puerta.http().get(new URL(card.scan_url).pathname);

  function passOf(answer: Answer): string {
    expect(answer.status).toBe(302);
    return new URL(answer.headers.get('location') ?? '').searchParams.get('token') ?? '';
  }

  it('registers a user, logs in and says who that is', async () => {
    const registered = await register(api, 'José Ñúñez');
    const login = expectStatus(
      await api.post<LoginAnswer>('/users/login', { email: registered.email, password: PASSWORD }),
      200,
    );
    expect(login).toMatchObject({
      user_id: registered.user_id,
      company_id: null,
      roles: [],
      token_type: 'Bearer',
      expires_in: 900,
    });
    const me = expectStatus(await api.get<UserProfile>('/users/me', { token: login.access_token }), 200);
    expect(me).toMatchObject({
      user_id: registered.user_id,
      name: 'José Ñúñez',
      email: registered.email,
      memberships: [],
    });
  });

  it('asks for a company on a StrictAuth route, and lets pass with the token that ensure-company gives', async () => {
    const admin = await administrator(api);
    const refused = await api.get('/cards', { token: admin.firstToken });
    expect(refused).toMatchObject({ status: 403, body: { code: 'company_required' } });
    expectStatus(await api.get('/cards', { token: admin.token }), 200);
  });

  it('keeps the chosen company over a refresh', async () => {
    const login = await register(api);
    const { company_id } = expectStatus(
      await api.post<{ company_id: string }>('/companies', { name: 'Biblioteca' }, { token: login.access_token }),
      201,
    );
    expectStatus(await api.post('/users/me/ensure-company', { company_id }, { token: login.access_token }), 200);
    const refreshed = expectStatus(
      await api.post<LoginAnswer>('/users/refresh', { refresh_token: login.refresh_token }),
      200,
    );
    expect(refreshed).toMatchObject({ company_id, roles: ['owner'] });
    expectStatus(await api.get('/cards', { token: refreshed.access_token }), 200);
  });

  it('carries a card from the office to the door: issue, print, scan, profile, rotate', async () => {
    const { token, companyId } = await administrator(api, 'Universidad Simón');
    const card = await issueCard(api, token);
    const year = String(new Date().getUTCFullYear()).slice(2);
    expect(card).toMatchObject({
      number: `${year}-10001`,
      status: 'active',
      holder: { name: 'Luis Rojas', email: null },
    });
    expect(card.scan_url).toMatch(new RegExp(`^${puerta.url}/scan/[A-Za-z0-9_-]{22}$`));

    for (const picture of ['qr.png', 'qr.svg']) {
      const { status, headers, body } = await api.get<Uint8Array | string>(`/cards/${card.card_id}/${picture}`, {
        token,
      });
      expect(status).toBe(200);
      if (picture === 'qr.png')
        expect((await readQrCodes(body as Uint8Array)).map(({ text }) => text)).toEqual([card.scan_url]);
      else expect(headers.get('content-type')).toContain('image/svg+xml');
    }

    const scanned = await scan(card);
    const location = new URL(scanned.headers.get('location') ?? '');
    expect(location.origin).toBe(puerta.url);
    expect(scanned.headers.get('referrer-policy')).toBe('no-referrer');
    expect(scanned.headers.get('cache-control')).toContain('no-store');
    const page = await puerta.http().get<string>(location.pathname);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(page.body).not.toContain('Luis Rojas');

    const pass = passOf(scanned);
    const profile = expectStatus(await api.get<ScanProfile>('/scan/profile', { token: pass }), 200);
    expect(profile).toMatchObject({
      name: 'Luis Rojas',
      number: card.number,
      company: 'Universidad Simón',
      title: 'Estudiante',
      unit: 'Ingeniería',
      status: 'active',
    });
    expect(JSON.stringify(profile)).not.toContain(companyId);

    await new Promise((resolve) => setTimeout(resolve, (PASS_SECONDS + 0.2) * 1000));
    expect(await api.get('/scan/profile', { token: pass })).toMatchObject({
      status: 401,
      body: { code: 'scan_expired' },
    });

    const rotated = expectStatus(await api.post<Card>(`/cards/${card.card_id}/rotate`, {}, { token }), 200);
    expect(rotated).toMatchObject({ card_id: card.card_id, number: card.number, status: 'active' });
    expect(rotated.scan_url).not.toBe(card.scan_url);
    expect((await scan(card)).status).toBe(404);
    expect((await scan(rotated)).status).toBe(302);
  }, 60_000);

  it('answers every dead code alike', async () => {
    const { token } = await administrator(api);
    const [suspended, revoked, rotated] = [
      await issueCard(api, token),
      await issueCard(api, token),
      await issueCard(api, token),
    ];
    expectStatus(await api.post(`/cards/${suspended.card_id}/suspend`, { reason: 'perdida' }, { token }), 200);
    expectStatus(await api.post(`/cards/${revoked.card_id}/revoke`, {}, { token }), 200);
    expectStatus(await api.post(`/cards/${rotated.card_id}/rotate`, {}, { token }), 200);

    const paths = [
      ...[suspended, revoked, rotated].map((card) => new URL(card.scan_url).pathname),
      '/scan/AAAAAAAAAAAAAAAAAAAAAA',
      '/scan/AAAAAAAAAAAAAAAAAAAAAB',
      '/scan/short',
      '/scan/%00',
      `/scan/${'A'.repeat(80)}`,
    ];
    for (const accept of ['application/json', 'text/html']) {
      const answers = await Promise.all(
        paths.map(async (path) => {
          const { status, headers, body } = await puerta.http().get(path, { headers: { accept } });
          const text = (typeof body === 'string' ? body : JSON.stringify(body)).replaceAll(
            headers.get('x-request-id') ?? '-',
            '',
          );
          const shown = [...headers.keys()].filter((name) => !['date', 'content-length'].includes(name)).sort();
          return JSON.stringify({ status, text, shown, cache: headers.get('cache-control') });
        }),
      );
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toContain('404');
    }
  });

  it('brings a suspended card back with the QR that is printed on it', async () => {
    const { token } = await administrator(api);
    const card = await issueCard(api, token);
    expectStatus(await api.post(`/cards/${card.card_id}/suspend`, {}, { token }), 200);
    expect((await scan(card)).status).toBe(404);
    expectStatus(await api.post(`/cards/${card.card_id}/reactivate`, {}, { token }), 200);
    expect((await scan(card)).status).toBe(302);
    expectStatus(await api.post(`/cards/${card.card_id}/revoke`, {}, { token }), 200);
    const again = await api.post(`/cards/${card.card_id}/reactivate`, {}, { token });
    expect(again).toMatchObject({ status: 409, body: { code: 'card_state_conflict' } });
  });

  it('hands out a token that is good once, and tells who tried it again', async () => {
    const { token, userId, companyId } = await administrator(api);
    const claim = { purpose: 'download', subject: 'invoice-7' };
    const made = expectStatus(
      await api.post<CreatedToken>('/token/create', { ...claim, payload: { file: '7.pdf' } }, { token }),
      201,
    );
    const shown = { ...claim, token: made.token };
    expect(await api.post('/token/validate', { token: made.token }, { token })).toMatchObject({
      status: 409,
      body: { code: 'token_binding_mismatch' },
    });
    expectStatus(await api.post('/token/peek', shown, { token }), 200);
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.post('/token/validate', shown, { token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(410)]);
    expect(answers.find(({ status }) => status === 200)?.body).toMatchObject({
      payload: { file: '7.pdf' },
      created_by: userId,
    });
    await waitFor(async () => {
      const { body } = await api.get<ActivityPage>(`/companies/${companyId}/activity`, { token });
      return (
        body.items.filter(({ kind, actor_user_id }) => kind === 'token.reused' && actor_user_id === userId).length === 1
      );
    });

    const other = expectStatus(await api.post<CreatedToken>('/token/create', {}, { token }), 201);
    expectStatus(await api.delete(`/token/${other.token_id}`, { token }), 204);
    expect(await api.post('/token/validate', { token: other.token }, { token })).toMatchObject({
      status: 404,
      body: { code: 'token_unknown' },
    });
  });

  it("neither makes, looks at, uses up nor takes back what is a service's own, whoever asks over HTTP", async () => {
    const { token } = await administrator(api);
    const claim = { purpose: 'password-reset', subject: 'ana' };
    for (const caller of ['identity', 'card-issuer'] as const) {
      const client = await askAs(caller, puerta);
      const tokens = new ServiceClient(client, tokenServiceContract);
      for (const format of ['opaque', 'code'] as const) {
        const theirs = await tokens.request('single-use-tokens.issue', { ...claim, format, ttl_seconds: 60 });
        const shown = { ...claim, token: theirs.token };
        for (const path of ['/token/peek', '/token/validate']) {
          expect(await api.post(path, shown, { token })).toMatchObject({
            status: 404,
            body: { code: 'token_unknown' },
          });
        }
        expect(await api.delete(`/token/${theirs.token_id}`, { token })).toMatchObject({ status: 404 });
        const ours = expectStatus(await api.post<CreatedToken>('/token/create', { ...claim, format }, { token }), 201);
        const refused = tokens.request('single-use-tokens.redeem', { ...claim, token: ours.token });
        await expect(refused).rejects.toMatchObject({ code: 'token_unknown' });
        expect(await tokens.request('single-use-tokens.redeem', shown)).toMatchObject({
          valid: true,
          created_by: caller,
        });
      }
      await client.close();
    }
  });

  it("keeps one company's cards from another", async () => {
    const [ours, theirs] = [await administrator(api), await administrator(api)];
    const card = await issueCard(api, ours.token);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/qr.png'],
      ['PATCH', ''],
      ['POST', '/suspend'],
      ['POST', '/rotate'],
      ['POST', '/revoke'],
    ] as const) {
      const body = method === 'GET' ? undefined : method === 'PATCH' ? { holder: { name: 'Eva' } } : {};
      const answer = await api.request(method, `/cards/${card.card_id}${path}`, body, { token: theirs.token });
      expect(answer).toMatchObject({ status: 404, body: { code: 'card_not_found' } });
    }
    expect(expectStatus(await api.get<Card>(`/cards/${card.card_id}`, { token: ours.token }), 200)).toEqual(card);
    const list = expectStatus(await api.get<{ items: Card[] }>('/cards', { token: theirs.token }), 200);
    expect(list.items).toEqual([]);
  });

  it('shows a holder the card and nobody else', async () => {
    const admin = await administrator(api);
    const { token } = admin;
    const [student, stranger] = [await member(api, admin), await register(api)];
    const body = { holder: { ...holder(), user_id: student.userId } };
    const card = expectStatus(await api.post<Card>('/cards', body, { token }), 201);
    expectStatus(await api.get(`/cards/${card.card_id}`, { token: student.firstToken }), 200);
    expectStatus(await api.get(`/cards/${card.card_id}/qr.png`, { token: student.firstToken }), 200);
    expectStatus(await api.get(`/cards/${card.card_id}`, { token: stranger.access_token }), 404);
    expectStatus(await api.post(`/cards/${card.card_id}/suspend`, {}, { token: student.firstToken }), 200);
    const reactivated = await api.post(`/cards/${card.card_id}/reactivate`, {}, { token: student.firstToken });
    expect(reactivated).toMatchObject({ status: 403, body: { code: 'company_required' } });
  });

  it('ends a session at once', async () => {
    const login = await register(api);
    const token = login.access_token;
    expectStatus(await api.post('/users/logout', {}, { token }), 204);
    expect(await api.get('/users/me', { token })).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
    const refreshed = await api.post('/users/refresh', { refresh_token: login.refresh_token });
    expect(refreshed).toMatchObject({ status: 401, body: { code: 'refresh_token_invalid' } });
  });

  it('says that it is alive and ready, and shows metrics on the internal port alone', async () => {
    expect(await puerta.http().get('/')).toMatchObject({
      status: 200,
      body: { message: 'Puerta API Gateway is running!' },
    });
    expect(await puerta.http().get('/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', service: 'Puerta API Gateway' },
    });
    await waitFor(async () => (await puerta.http().get('/health/ready')).status === 200);
    expect((await puerta.http().get('/metrics')).status).toBe(404);
    for (const replica of puerta.all()) {
      const metrics = await replica.internal.get<string>('/metrics');
      expect(metrics.body).toContain('process_cpu_user_seconds_total');
    }
  });

  it('never asks of Redis what the users of its apps may not do', async () => {
    expect(await refusedByRedis(servers?.() ?? puerta.redisUrl, puerta.busPrefix)).toEqual([]);
  });
}

/** Tells it on an installation and Redis servers of its own. */
export function tellTheStoryOn(startServers: () => Promise<RedisServers>): void {
  let puerta: Puerta;
  let redis: RedisServers;

  beforeAll(async () => {
    redis = await startServers();
  }, 60_000);

  afterAll(async () => {
    await puerta?.stop();
    await redis?.stop();
  });

  const start = async (): Promise<Puerta> => {
    puerta = await startPuerta({ redis, env: { TOKEN_SERVICE_SCAN_PASS_SECONDS: String(PASS_SECONDS) } });
    return puerta;
  };
  tellTheStory(start, () => redis);
}
