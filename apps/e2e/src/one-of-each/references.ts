import { randomBytes, randomUUID } from 'node:crypto';
import type { Card, CardBulk, CreatedInvitation, CreatedToken } from '@puerta/contracts';
import type { Answer, HttpClient, Puerta } from '@puerta/testing';
import { waitFor } from '@puerta/testing';
import {
  administrator,
  type Administrator,
  expectStatus,
  holder,
  issueCard,
  member,
  type Member,
  PASSWORD,
  register,
} from '../support/people';
import { query } from '../support/rows';
import { single } from '../support/shared-puerta';

/**
 * Whatever a request names by an id or a secret of ours is tried with somebody else's and with an invented one. The
 * description of the API says what there is to try: what is new there fails here until it is tried as well.
 */

interface Schema {
  readonly $ref?: string;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly allOf?: Schema[];
  readonly anyOf?: Schema[];
  readonly oneOf?: Schema[];
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Schema> };
}
interface Operation {
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: Schema }> };
}

/** Names of what stands for something that somebody may have, or not. */
const REFERENCE = /(?:_id|_ids|^invitation|token|^code|^cursor|^subject)$/;
/** Their owners choose them freely, and they mean nothing to us. */
const FREE = ['holder.document_id'];

function fieldsOf(document: Document, schema: Schema | undefined, path = ''): string[] {
  if (!schema) return [];
  if (schema.$ref) return fieldsOf(document, document.components.schemas[schema.$ref.split('/').at(-1) ?? ''], path);
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const at = path ? `${path}.${name}` : name;
    return [at, ...fieldsOf(document, child, at)];
  });
  const parts = [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return [...own, ...[...parts, schema.items].flatMap((part) => fieldsOf(document, part, path))];
}

/** `POST /api/v1/cards: holder.user_id`, of every route. */
function referencesOf(document: Document): string[] {
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [], requestBody }]) => {
      const names = parameters.filter(({ in: place }) => place !== 'header').map(({ name }) => name);
      const bodies = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => fieldsOf(document, schema));
      return [...names, ...bodies]
        .filter((name) => REFERENCE.test(name.split('.').at(-1) ?? '') && !FREE.includes(name))
        .map((name) => `${method.toUpperCase()} ${path}: ${name}`);
    }),
  );
  return [...new Set(found)].sort();
}

let puerta: Puerta;
let api: HttpClient;
let document: Document;
/** Whose things are tried, and who tries. */
let [owner, stranger]: [Administrator, Administrator] = [] as never;
let card: Card;
let invitation: CreatedInvitation;
let job: CardBulk;
let token: CreatedToken;

beforeAll(async () => {
  puerta = await single.start();
  api = puerta.api();
  document = expectStatus(await puerta.http().get<Document>('/docs-json'), 200);
  [owner, stranger] = [await administrator(api), await administrator(api)];
  const as = { token: owner.token };
  card = await issueCard(api, owner.token);
  const invited = { email: 'guest@example.com', role: 'member' };
  invitation = expectStatus(await api.post(`/companies/${owner.companyId}/invitations`, invited, as), 201);
  job = expectStatus(await api.post('/cards/bulk', { action: 'suspend', filter: { q: 'nobody' } }, as), 202);
  token = expectStatus(await api.post('/token/create', { ttl_seconds: 600 }, as), 201);
}, 120_000);

/** Paths with ids: who acts in another company gets of somebody else's what they get of what never was. */
const IN_PATHS: Readonly<Record<string, string>> = {
  company_id: 'company_not_found',
  invitation_id: 'company_not_found',
  card_id: 'card_not_found',
  job_id: 'job_not_found',
  token_id: 'token_unknown',
};
const BODIES: Readonly<Record<string, object>> = {
  'PATCH /api/v1/companies/{company_id}': { name: 'Mine now' },
  'POST /api/v1/companies/{company_id}/invitations': { email: 'mallory@example.com', role: 'admin' },
  'PATCH /api/v1/cards/{card_id}': { holder: { name: 'Mallory' } },
};

const theirs = (): Record<string, string> => ({
  company_id: owner.companyId,
  invitation_id: invitation.invitation_id,
  card_id: card.card_id,
  job_id: job.job_id,
  token_id: token.token_id,
});
const invented = (): Record<string, string> => ({
  company_id: randomUUID(),
  invitation_id: randomUUID(),
  card_id: randomUUID(),
  job_id: randomUUID(),
  token_id: Buffer.alloc(16, randomBytes(15)).toString('base64url'),
});

function send(operation: string, ids: Record<string, string>, as: string): Promise<Answer> {
  const [method = '', pattern = ''] = operation.split(' ');
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => ids[name] ?? '').replace('/api/v1', '');
  const photo = path.endsWith('/photo') && method === 'PUT';
  const body = photo
    ? Buffer.from('x')
    : method === 'GET' || method === 'DELETE'
      ? undefined
      : (BODIES[operation] ?? {});
  return api.request(method, path, body, { token: as, headers: photo ? { 'content-type': 'image/png' } : {} });
}

const tried = new Set<string>();

it('whatever a path names is somebody else’s as if it were not there, to whoever acts in another company', async () => {
  for (const reference of referencesOf(document).filter((one) => /\{/.test(one))) {
    const [operation = '', name = ''] = reference.split(': ');
    const code = IN_PATHS[name];
    if (code === undefined || !operation.includes(`{${name}}`)) continue;
    const answers = [
      await send(operation, theirs(), stranger.token),
      await send(operation, invented(), stranger.token),
    ].map(({ status, body }) => ({ reference, status, code: body['code'], errors: body['errors'] }));
    expect(answers[0]).toMatchObject({ status: 404, code });
    expect(answers[1]).toEqual(answers[0]);
    tried.add(reference);
  }
  const withdrawn = await api.delete(`/companies/${stranger.companyId}/invitations/${invitation.invitation_id}`, {
    token: stranger.token,
  });
  expect(withdrawn).toMatchObject({ status: 404, body: { code: 'invitation_not_found' } });
});

it('a page of one list begins nowhere in another: a cursor is a place in an order, and shows no row by itself', async () => {
  const cursor = Buffer.from(card.card_id).toString('base64url');
  const cursors = referencesOf(document).filter((one) => one.endsWith(': cursor'));
  for (const reference of cursors) {
    const path = (reference.split(/[ :]/)[1] ?? '').replace('/api/v1', '').replace('{company_id}', stranger.companyId);
    const { items } = expectStatus(
      await api.get<{ items: unknown[] }>(`${path}?cursor=${cursor}`, { token: stranger.token }),
      200,
    );
    expect(JSON.stringify(items)).not.toMatch(new RegExp(`${owner.companyId}|${owner.userId}|${card.card_id}`));
    tried.add(reference);
  }
});

const shutOut = ({ userId }: Member): Promise<unknown> =>
  query(puerta.database.url, `UPDATE identity.memberships SET status = 'suspended' WHERE user_id = $1`, [userId]);

it('a holder is an active member of the company, and nobody else', async () => {
  const refused = { status: 422, body: { errors: [{ field: 'holder.user_id', code: 'no_such_member' }] } };
  const former = await member(api, owner);
  await shutOut(former);
  for (const user_id of [stranger.userId, randomUUID(), former.userId, (await register(api)).user_id]) {
    const body = { holder: { ...holder(), user_id } };
    expect(await api.post('/cards', body, { token: owner.token })).toMatchObject(refused);
    expect(await api.patch(`/cards/${card.card_id}`, body, { token: owner.token })).toMatchObject(refused);
  }
  const { userId } = await member(api, owner);
  expectStatus(await api.post('/cards', { holder: { ...holder(), user_id: userId } }, { token: owner.token }), 201);
  tried.add('POST /api/v1/cards: holder.user_id').add('PATCH /api/v1/cards/{card_id}: holder.user_id');
});

it('a member who is shut out while cards are issued to them can use none of these', async () => {
  const leaver = await member(api, owner);
  const body = { holder: { ...holder(), user_id: leaver.userId } };
  const issue = () => api.post<Card>('/cards', body, { token: owner.token });
  const issued = Array.from({ length: 12 }, issue);
  await issued[2];
  await shutOut(leaver);
  const cards = (await Promise.all(issued)).filter(({ status }) => status === 201).map((answer) => answer.body);
  expect(cards.length).toBeGreaterThan(0);
  expect((await issue()).status).toBe(422);
  // Of a company that the token names, the gateway knows it within a second.
  const gone = async () => (await api.get(`/cards/${cards[0]?.card_id}`, { token: leaver.token })).status === 404;
  await waitFor(gone, 1_500);
  for (const { card_id } of cards) {
    for (const token of [leaver.token, leaver.firstToken]) {
      for (const answer of [
        await api.get(`/cards/${card_id}`, { token }),
        await api.get(`/cards/${card_id}/qr.png`, { token }),
        await api.post(`/cards/${card_id}/suspend`, {}, { token }),
      ]) {
        expect(answer).toMatchObject({ status: 404, body: { code: 'card_not_found' } });
      }
    }
    expect(expectStatus(await api.get<Card>(`/cards/${card_id}`, { token: owner.token }), 200).status).toBe('active');
  }
});

it('a command for many cards leaves those of others alone, and counts them as not there', async () => {
  const card_ids = [card.card_id, randomUUID()];
  const { job_id } = expectStatus(
    await api.post<CardBulk>('/cards/bulk', { action: 'revoke', card_ids }, { token: stranger.token }),
    202,
  );
  const done = await waitFor(async () => {
    const { body } = await api.get<CardBulk>(`/cards/bulk/${job_id}`, { token: stranger.token });
    return body.finished_at !== null && body;
  }, 15_000);
  expect(done).toMatchObject({ changed: 0, skipped: { card_not_found: 2 } });
  tried.add('POST /api/v1/cards/bulk: card_ids');
});

it('a company is nobody’s because they named it, and secrets that were made up open nothing', async () => {
  const ensure = (body: object) => api.post('/users/me/ensure-company', body, { token: stranger.token });
  const secret = randomBytes(32).toString('base64url');
  expect(await ensure({ company_id: owner.companyId })).toMatchObject({ body: { code: 'company_not_joinable' } });
  expect(await ensure({ company_id: randomUUID() })).toMatchObject({ body: { code: 'company_not_found' } });
  expect(await ensure({ invitation: secret })).toMatchObject({ body: { code: 'invitation_invalid' } });
  const person = { name: 'Mallory', email: `${randomUUID()}@example.com`, password: PASSWORD };
  expect(await api.post('/users/register', { ...person, invitation: secret })).toMatchObject({
    body: { code: 'invitation_invalid' },
  });
  expect(await api.post('/users/refresh', { refresh_token: secret })).toMatchObject({
    body: { code: 'refresh_token_invalid' },
  });
  // Whether there was such a session is told to nobody; the owner's go on below.
  expectStatus(await api.post('/users/logout', { refresh_token: secret }), 204);
  // A device's token opens nothing, whosever it is.
  const { email } = person;
  expect(await api.post('/users/login', { email, password: PASSWORD, device_token: 'A'.repeat(64) })).toMatchObject({
    body: { code: 'invalid_credentials' },
  });
  for (const one of [
    'POST /api/v1/users/login: device_token',
    'POST /api/v1/users/me/ensure-company: company_id',
    'POST /api/v1/users/me/ensure-company: invitation',
    'POST /api/v1/users/register: invitation',
    'POST /api/v1/users/refresh: refresh_token',
    'POST /api/v1/users/logout: refresh_token',
  ])
    tried.add(one);
});

it('a single-use token is unknown outside its maker’s company, whatever it is said to be for', async () => {
  const made = Buffer.alloc(54, randomBytes(53)).toString('base64url');
  for (const path of ['/token/validate', '/token/peek']) {
    for (const shown of [{ token: token.token }, { token: made }, { token: made, subject: owner.userId }]) {
      expect(await api.post(path, shown, { token: stranger.token })).toMatchObject({
        status: 404,
        body: { code: 'token_unknown' },
      });
    }
    tried.add(`POST /api/v1${path}: token`).add(`POST /api/v1${path}: subject`);
  }
  // What a token is about is its maker's word, good in their company alone: it may say anything, and opens nothing.
  const about = { subject: owner.userId, purpose: 'password-reset' };
  const own = expectStatus(await api.post<CreatedToken>('/token/create', about, { token: stranger.token }), 201);
  expect(await api.post('/token/validate', { ...about, token: own.token }, { token: owner.token })).toMatchObject({
    status: 404,
    body: { code: 'token_unknown' },
  });
  tried.add('POST /api/v1/token/create: subject');
});

it('a code of a card that was made up gets the answer of every dead one', async () => {
  const code = randomBytes(16).toString('base64url');
  for (const method of ['GET', 'HEAD']) tried.add(`${method} /scan/{code}: code`);
  expect(await puerta.http().get(`/scan/${code}`)).toMatchObject({ status: 404, body: { code: 'card_not_found' } });
});

it('is tried for everything that a request can name, and has changed nothing of the owner’s', async () => {
  expect([...tried].sort()).toEqual(referencesOf(document));
  const as = { token: owner.token };
  expect(expectStatus(await api.get<Card>(`/cards/${card.card_id}`, as), 200)).toEqual(card);
  const { items } = expectStatus(
    await api.get<{ items: { invitation_id: string; status: string }[] }>(
      `/companies/${owner.companyId}/invitations?limit=100`,
      as,
    ),
    200,
  );
  expect(items.find((one) => one.invitation_id === invitation.invitation_id)?.status).toBe('pending');
  expect(items.some((one) => JSON.stringify(one).includes('mallory'))).toBe(false);
  expect(expectStatus(await api.get<CardBulk>(`/cards/bulk/${job.job_id}`, as), 200).status).not.toBe('cancelled');
  expectStatus(await api.post('/token/peek', { token: token.token }, as), 200);
});
