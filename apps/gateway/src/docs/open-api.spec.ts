import { HttpClient, type Answer } from '@puerta/testing';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { problemsOf } from '../routes/operation';
import { Routes } from '../routes/routes';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { openApiPath } from './open-api';
import { codesOf } from './problem-responses';

type Schema = Record<string, unknown>;
interface Operation {
  readonly summary?: string;
  readonly security?: object[];
  readonly parameters?: { name: string; in: string }[];
  readonly requestBody?: { content: Record<string, { schema: Schema }> };
  readonly responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Schema> };
}

const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';
const TOKEN_ID = 'A'.repeat(22);
const NOW = '2026-11-21T10:00:00.000Z';
const card = {
  card_id: ID,
  number: '26-10001',
  status: 'active',
  scan_url: 'https://puerta.example.com/scan/x',
  photo_url: 'https://puerta.example.com/files/x',
  issued_at: NOW,
  valid_until: null,
  holder: { name: 'Luis', email: null, document_id: null, title: null, unit: null, user_id: null },
};
const login = {
  access_token: 'a.b.c',
  token_type: 'Bearer',
  expires_in: 900,
  refresh_token: 'r',
  user_id: ID,
  email: 'ana@example.com',
  name: 'Ana',
  company_id: null,
  roles: [],
};
const company = { company_id: ID, name: 'Demo', join_policy: 'open', time_zone: 'UTC', locale: 'en', created_at: NOW };
const invitation = {
  invitation_id: ID,
  email: 'b@example.com',
  any_email: false,
  role: 'member',
  status: 'pending',
  expires_at: NOW,
  created_at: NOW,
};
const user = {
  user_id: ID,
  name: 'Ana',
  email: 'ana@example.com',
  email_verified: false,
  locale: 'es',
  company_id: null,
  memberships: [],
  created_at: NOW,
};
const bulk = {
  job_id: ID,
  action: 'suspend',
  dry_run: false,
  status: 'queued',
  done: 0,
  total: null,
  changed: 0,
  skipped: { card_not_found: 0, card_state_conflict: 0, unchanged: 0 },
  error: null,
  created_at: NOW,
  started_at: null,
  finished_at: null,
};
const createdToken = { token: 'A'.repeat(72), token_id: TOKEN_ID, expires_in: 10, expires_at: NOW };
const validToken = {
  valid: true,
  token_id: TOKEN_ID,
  purpose: null,
  payload: { a: [1] },
  created_by: ID,
  created_at: NOW,
};
const page = (item: object) => ({ items: [item], next_cursor: null });

const activity = {
  activity_id: ID,
  kind: 'card.issued',
  at: '2026-01-01T00:00:00.000Z',
  actor_user_id: ID,
  company_id: ID,
  subject_id: ID,
};

/** Each route asked as it should be: what the service answers, and the body. */
const CALLS: Record<string, { answer?: object; body?: object; pattern?: string }> = {
  'GET /': {},
  'GET /health': {},
  'GET /health/ready': {},
  'GET /.well-known/jwks.json': {},
  'GET /.well-known/ticket-jwks.json': {},
  'POST /api/v1/users/register': {
    pattern: 'users.register',
    answer: login,
    body: { name: 'Ana', email: 'ana@example.com', password: 'a long password' },
  },
  'POST /api/v1/users/login': {
    pattern: 'users.login',
    answer: login,
    body: { email: 'ana@example.com', password: 'x' },
  },
  'POST /api/v1/users/refresh': { pattern: 'sessions.refresh', answer: login, body: { refresh_token: 'A'.repeat(43) } },
  'POST /api/v1/users/logout': { pattern: 'sessions.end', answer: { done: true }, body: {} },
  'GET /api/v1/users/me': { pattern: 'users.me', answer: user },
  'PATCH /api/v1/users/me': { pattern: 'users.update-me', answer: user, body: { name: 'Ana' } },
  'GET /api/v1/users/me/activity': { pattern: 'activity.list-mine', answer: page(activity) },
  'POST /api/v1/users/me/ensure-company': {
    pattern: 'companies.ensure',
    answer: {
      user_id: ID,
      company_id: ID,
      roles: ['member'],
      message: 'ok',
      new_access_token: 'a.b.c',
      expires_in: 900,
    },
    body: { company_id: ID },
  },
  'POST /api/v1/companies': { pattern: 'companies.create', answer: company, body: { name: 'Demo' } },
  'GET /api/v1/companies': { pattern: 'companies.list-mine', answer: page({ ...company, role: 'owner' }) },
  'GET /api/v1/companies/:company_id': { pattern: 'companies.get', answer: company },
  'PATCH /api/v1/companies/:company_id': { pattern: 'companies.update', answer: company, body: { name: 'Demo' } },
  'GET /api/v1/companies/:company_id/activity': { pattern: 'activity.list', answer: page(activity) },
  'POST /api/v1/companies/:company_id/invitations': {
    pattern: 'invitations.create',
    answer: { ...invitation, invitation: 'secret' },
    body: { email: 'b@example.com', role: 'member' },
  },
  'GET /api/v1/companies/:company_id/invitations': { pattern: 'invitations.list', answer: page(invitation) },
  'DELETE /api/v1/companies/:company_id/invitations/:invitation_id': {
    pattern: 'invitations.revoke',
    answer: { done: true },
  },
  'POST /api/v1/cards': { pattern: 'cards.issue', answer: card, body: { holder: { name: 'Luis' } } },
  'GET /api/v1/cards': { pattern: 'cards.list', answer: page(card) },
  'GET /api/v1/cards/:card_id': { pattern: 'cards.get', answer: card },
  'PATCH /api/v1/cards/:card_id': { pattern: 'cards.update', answer: card, body: { valid_until: null } },
  'POST /api/v1/cards/:card_id/suspend': { pattern: 'cards.suspend', answer: card, body: {} },
  'POST /api/v1/cards/:card_id/reactivate': { pattern: 'cards.reactivate', answer: card, body: {} },
  'POST /api/v1/cards/:card_id/revoke': { pattern: 'cards.revoke', answer: card, body: {} },
  'POST /api/v1/cards/:card_id/rotate': { pattern: 'cards.rotate', answer: card, body: { reason: 'lost' } },
  'POST /api/v1/cards/bulk': { pattern: 'card-bulks.start', answer: bulk, body: { action: 'suspend', filter: {} } },
  'GET /api/v1/cards/bulk/:job_id': { pattern: 'card-bulks.get', answer: bulk },
  'POST /api/v1/cards/bulk/:job_id/cancel': { pattern: 'card-bulks.cancel', answer: bulk },
  'PUT /api/v1/cards/:card_id/photo': { pattern: 'cards.set-photo', answer: card, body: Buffer.from('photo') },
  'DELETE /api/v1/cards/:card_id/photo': { pattern: 'cards.remove-photo', answer: card },
  'GET /api/v1/cards/:card_id/qr.png': {
    pattern: 'cards.qr',
    answer: { content_type: 'image/png', data: 'iVBORw0KGgo=' },
  },
  'GET /api/v1/cards/:card_id/qr.svg': {
    pattern: 'cards.qr',
    answer: { content_type: 'image/svg+xml', data: 'PHN2Zy8+' },
  },
  'POST /api/v1/token/create': { pattern: 'single-use-tokens.issue', answer: createdToken, body: { payload: [1] } },
  'POST /api/v1/token/validate': { pattern: 'single-use-tokens.redeem', answer: validToken, body: { token: 'x' } },
  'POST /api/v1/token/peek': { pattern: 'single-use-tokens.peek', answer: validToken, body: { token: 'x' } },
  'DELETE /api/v1/token/:token_id': { pattern: 'single-use-tokens.revoke', answer: { revoked: true } },
  'HEAD /scan/:code': {},
  'GET /scan/:code': { pattern: 'scans.open', answer: { scan_pass: 'p', expires_in: 120 } },
  'GET /api/v1/scan/profile': {
    pattern: 'scans.profile',
    answer: {
      name: 'Luis',
      number: '26-10001',
      company: 'Demo',
      title: null,
      unit: null,
      status: 'active',
      photo_url: null,
      valid_until: null,
    },
  },
};

/** What answers browsers otherwise than programs. */
const PAGES = ['GET /scan/:code'];

describe('the description of the API', () => {
  let gateway: TestGateway;
  let http: HttpClient;
  let document: Document;
  let ajv: Ajv;

  beforeAll(async () => {
    gateway = await startTestGateway();
    http = new HttpClient(gateway.url);
    document = (await http.get<Document>('/docs-json')).body;
    // A client generated from the description knows no other fields: answers are held to that.
    ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addSchema({ $id: 'api', components: document.components });
  });

  afterAll(() => gateway.stop());

  const routes = () => gateway.app.get(Routes).all.filter(({ handler }) => problemsOf(handler));
  const nameOf = ({ method, pattern }: { method: string; pattern: string }): string => `${method} ${pattern}`;
  const operation = (name: string): Operation => {
    const route = routes().find((one) => nameOf(one) === name);
    const found = route && document.paths[openApiPath(route)]?.[route.method.toLowerCase()];
    if (!found) throw new Error(`${name} is not described`);
    return found;
  };
  const request = (name: string, accept?: string): Promise<Answer<unknown>> => {
    const [method = '', pattern = ''] = name.split(' ');
    const { answer, body, pattern: asked } = CALLS[name] ?? {};
    if (asked) gateway.fakes.set(asked, () => answer);
    const path = pattern.replace(':code', 'AAAAAAAAAAAAAAAAAAAAAA').replace(':token_id', TOKEN_ID).replace(/:\w+/g, ID);
    const token = name.includes('/scan/profile') ? gateway.scanPass() : gateway.accessToken();
    const headers = {
      ...(Buffer.isBuffer(body) ? { 'content-type': 'image/png' } : {}),
      ...(accept ? { accept } : {}),
    };
    return http.request<unknown>(method, path, body, { token, headers });
  };
  const conforms = (schema: Schema | undefined, value: unknown): void => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as Schema;
    const validate = ajv.compile(absolute);
    validate(value);
    expect(validate.errors ?? []).toEqual([]);
  };

  it('has every route of the API, with the examples that this test asks them by', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      routes()
        .map((route) => `${route.method} ${openApiPath(route)}`)
        .sort(),
    );
    expect(Object.keys(CALLS).sort()).toEqual(routes().map(nameOf).sort());
    const pages = gateway.app
      .get(Routes)
      .all.filter(({ handler }) => !problemsOf(handler))
      .map(({ pattern }) => pattern);
    expect(pages.every((pattern) => /^\/(docs|profile|assets|files)/.test(pattern))).toBe(true);
  });

  it('says of every route what it does, who may, what it takes and how it fails', () => {
    for (const route of routes()) {
      const { summary, security, parameters = [], requestBody, responses } = operation(nameOf(route));
      expect(summary).toMatch(/\S/);
      expect(security).toBeDefined();
      expect(Boolean(requestBody)).toBe(route.takesBody);
      const inPath = [...route.pattern.matchAll(/:(\w+)/g)].map(([, name]) => name);
      expect(
        parameters
          .filter((one) => one.in === 'path')
          .map((one) => one.name)
          .sort(),
      ).toEqual(inPath.sort());
      expect(parameters.some((one) => one.name === 'Idempotency-Key')).toBe(
        ['POST', 'PATCH', 'DELETE'].includes(route.method),
      );
      expect(parameters.some((one) => one.in === 'query')).toBe(route.takesQuery);
      const codes = Object.values(responses).flatMap(({ description }) =>
        [...description.matchAll(/`(\w+)`: /g)].map(([, code]) => code),
      );
      expect(codes.sort()).toEqual(codesOf(route));
    }
  });

  it.each(Object.keys(CALLS))('is what %s answers', async (name) => {
    const { responses } = operation(name);
    const answers = [await request(name), ...(PAGES.includes(name) ? [await request(name, 'text/html')] : [])];
    const success = Object.keys(responses).filter((status) => Number(status) < 400);
    expect(answers.map(({ status }) => String(status)).sort()).toEqual(success);
    for (const answer of answers) isDescribed(responses, answer);
  });

  const isDescribed = (responses: Operation['responses'], answer: Answer<unknown>): void => {
    const [type, content] = Object.entries(responses[answer.status]?.content ?? {})[0] ?? [];
    if (!content) return expect(answer.headers.get('content-length') ?? '0').toBe('0');
    if (!type?.includes('json')) return expect(answer.headers.get('content-type')?.replace(/;.*/, '')).toBe(type);
    conforms(content.schema, answer.body);
    const names = Object.keys(ajv.getSchema(`api${String(content.schema['$ref'])}`)?.schema as object);
    expect(names).toContain('properties');
    const { properties } = ajv.getSchema(`api${String(content.schema['$ref'])}`)?.schema as { properties: object };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(answer.body as object)));
  };

  it('is what refusals answer', async () => {
    for (const name of Object.keys(CALLS).filter((one) =>
      operation(one).security?.some((scheme) => 'access_token' in scheme),
    )) {
      const [method = '', pattern = ''] = name.split(' ');
      const answer = await http.request<unknown>(method, pattern.replace(/:\w+/g, ID), undefined, { token: 'x.y.z' });
      const schema = operation(name).responses[answer.status]?.content?.['application/problem+json']?.schema;
      expect([name, answer.status]).toEqual([name, 401]);
      conforms(schema, answer.body);
    }
    const invalid = await http.post<unknown>('/api/v1/users/login', { email: 7 });
    conforms(
      operation('POST /api/v1/users/login').responses['422']?.content?.['application/problem+json']?.schema,
      invalid.body,
    );
  });

  it('says where what was created is', async () => {
    // A token is nowhere: only who has it can ask about it.
    const created = Object.keys(CALLS).filter(
      (name) => '201' in operation(name).responses && !name.includes('/token/'),
    );
    const locations = await Promise.all(created.map(async (name) => (await request(name)).headers.get('location')));
    expect(Object.fromEntries(created.map((name, i) => [name, locations[i]]))).toEqual({
      'POST /api/v1/users/register': '/api/v1/users/me',
      'POST /api/v1/companies': `/api/v1/companies/${ID}`,
      'POST /api/v1/companies/:company_id/invitations': `/api/v1/companies/${ID}/invitations/${ID}`,
      'POST /api/v1/cards': `/api/v1/cards/${ID}`,
    });
  });

  it('is shown to people by scripts of our own', async () => {
    const shown = await http.get<string>('/docs');
    const files = [...shown.body.matchAll(/(?:src|href)="(\/docs\/[^"]+\.(?:js|css))"/g)].map(([, path = '']) => path);
    expect(files).toHaveLength(3);
    expect(shown.body).not.toMatch(/https?:|<script>|<style/);
    for (const path of files) {
      const first = await http.get<string>(path);
      expect([first.status, first.headers.get('content-type')]).toEqual([
        200,
        path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
      ]);
      const etag = first.headers.get('etag') ?? '';
      expect(await http.get(path, { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304 });
    }
  });
});
