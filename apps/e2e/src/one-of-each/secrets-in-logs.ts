import { randomUUID } from 'node:crypto';
import type { Card, LoginAnswer } from '@puerta/contracts';
import type { Puerta } from '@puerta/testing';
import { administrator, expectStatus, issueCard, scanPass } from '../support/people';
import { single } from '../support/shared-puerta';

let puerta: Puerta;

beforeAll(async () => {
  puerta = await single.start();
}, 120_000);

it('writes no password, token, code or secret to any log at debug level', async () => {
  const api = puerta.api();
  const canary = `canary-${randomUUID()}`;
  const email = `${randomUUID()}@example.com`;
  const secrets: string[] = [canary];

  const registered = expectStatus(
    await api.post<LoginAnswer>('/users/register', { name: 'Ana', email, password: canary }),
    201,
  );
  const login = expectStatus(await api.post<LoginAnswer>('/users/login', { email, password: canary }), 200);
  const refreshed = expectStatus(
    await api.post<LoginAnswer>('/users/refresh', { refresh_token: login.refresh_token }),
    200,
  );
  for (const answer of [registered, login, refreshed]) secrets.push(answer.access_token, answer.refresh_token);

  const admin = await administrator(api);
  const card: Card = await issueCard(api, admin.token);
  const pass = await scanPass(puerta, card);
  expectStatus(await api.get('/scan/profile', { token: pass }), 200);
  await puerta.http().get(`/profile?token=${pass}`);
  secrets.push(admin.token, admin.firstToken, pass, new URL(card.scan_url).pathname.slice('/scan/'.length));

  const invitation = await api.post<{ invitation: string }>(
    `/companies/${admin.companyId}/invitations`,
    { email: 'eva@example.com', role: 'issuer' },
    { token: admin.token },
  );
  secrets.push(expectStatus(invitation, 201).invitation);

  // What goes wrong is logged too: secrets in the wrong place, in broken JSON, in headers, in the address.
  await api.post('/users/login', { email, password: `${canary}x` });
  await api.post('/users/login', { email: canary, password: canary, [canary]: canary });
  await api.post('/users/login', `{"password":"${canary}",`, { headers: { 'content-type': 'application/json' } });
  await api.get(`/users/me?access_token=${canary}`);
  await api.get('/users/me', { token: `${admin.token}x`, headers: { cookie: canary, 'x-api-key': canary } });
  await api.get(`/${canary}`);
  await api.get(`/cards/${canary}`, { token: admin.token });
  await puerta.http().get(`/scan/${canary}`);

  const urls = [...Object.values(puerta.databaseUrls), ...Object.values(puerta.redisUrls), puerta.redisUrl];
  secrets.push(...urls.map((url) => new URL(url).password));
  // Of `id:key`, the key by itself.
  secrets.push(...Object.values(puerta.secrets).map((secret) => String(secret).replace(/^\w+:/, '')));

  const { logs } = puerta;
  expect(logs.length).toBeGreaterThan(1_000);
  expect(secrets.every((secret) => secret.length >= 16)).toBe(true);
  const leaked = secrets.filter((secret) => logs.includes(secret));
  const lines = logs.split('\n').filter((line) => leaked.some((secret) => line.includes(secret)));
  expect(lines).toEqual([]);
}, 60_000);
