import { randomUUID } from 'node:crypto';
import type { Card, CreatedInvitation, LoginAnswer } from '@puerta/contracts';
import { expectDescribed, waitFor, type Puerta } from '@puerta/testing';
import {
  administrator,
  expectStatus,
  holder,
  issueCard,
  PASSWORD,
  register,
  type Administrator,
} from '../support/people';
import { dump, query } from '../support/rows';
import { doubled } from '../support/shared-puerta';

/** One request that changes something, and another one that its key must not be good for. */
interface Request {
  readonly path: string;
  readonly body?: object;
  /** Another body, or another path where there is no body. */
  readonly other: object;
  /** What that gets of nobody known, whose keys are good for one body alone; 422 of a user. */
  readonly otherwise?: number;
  readonly token?: string;
  /** Counts what it makes: one more afterwards, however often it was asked. */
  readonly effects: readonly [sql: string, ...values: unknown[]];
}

let puerta: Puerta;
let admin: Administrator;
const secrets: string[] = [PASSWORD];

beforeAll(async () => {
  puerta = await doubled.start();
  admin = await administrator(puerta.api());
}, 120_000);

const onCard =
  (kind: string, ...before: string[]) =>
  async (): Promise<Request> => {
    const { token } = admin;
    const { card_id } = await issueCard(puerta.api(), token);
    for (const step of before) expectStatus(await puerta.api().post(`/cards/${card_id}/${step}`, {}, { token }), 200);
    const command = { suspended: 'suspend', reactivated: 'reactivate', revoked: 'revoke', rotated: 'rotate' }[kind];
    return {
      path: `/cards/${card_id}/${command}`,
      body: { reason: 'one' },
      other: { reason: 'another' },
      token,
      effects: ['card_issuer.card_events WHERE card_id = $1 AND kind = $2', card_id, kind],
    };
  };

/** Every POST route that changes something, and how to ask it. */
const ROUTES: Record<string, () => Promise<Request>> = {
  '/users/register': async () => {
    const email = `${randomUUID()}@example.com`;
    const body = { name: 'Ana', email, password: PASSWORD };
    return {
      path: '/users/register',
      body,
      other: { ...body, password: `${PASSWORD}!` },
      otherwise: 409,
      effects: ['identity.users WHERE email = $1', email],
    };
  },
  '/users/login': async () => {
    const { email, user_id } = await register(puerta.api());
    const stranger = await register(puerta.api());
    return {
      path: '/users/login',
      body: { email, password: PASSWORD },
      other: { email: stranger.email, password: PASSWORD },
      otherwise: 200,
      effects: ['identity.sessions WHERE user_id = $1', user_id],
    };
  },
  '/users/me/ensure-company': async () => {
    const { user_id, access_token } = await register(puerta.api());
    const company = { name: 'Abierta', join_policy: 'open' };
    const { company_id } = expectStatus(
      await puerta.api().post<{ company_id: string }>('/companies', company, { token: admin.token }),
      201,
    );
    return {
      path: '/users/me/ensure-company',
      body: { company_id },
      other: {},
      token: access_token,
      effects: ['identity.memberships WHERE user_id = $1', user_id],
    };
  },
  '/companies': async () => {
    const name = `Compañía ${randomUUID()}`;
    const { token } = admin;
    return {
      path: '/companies',
      body: { name },
      other: { name: 'X' },
      token,
      effects: ['identity.companies WHERE name = $1', name],
    };
  },
  '/companies/{company_id}/invitations': async () => {
    const email = `${randomUUID()}@example.com`;
    return {
      path: `/companies/${admin.companyId}/invitations`,
      body: { email, role: 'issuer' },
      other: { email, role: 'member' },
      token: admin.token,
      effects: ['identity.invitations WHERE email = $1', email],
    };
  },
  '/cards': async () => {
    const name = `Luis ${randomUUID()}`;
    return {
      path: '/cards',
      body: { holder: holder(name) },
      other: { holder: holder('Eva') },
      token: admin.token,
      effects: ['card_issuer.cards WHERE holder_name = $1', name],
    };
  },
  '/cards/bulk': async () => ({
    path: '/cards/bulk',
    body: { action: 'revoke', filter: { q: 'nobody' } },
    other: { action: 'suspend', filter: { q: 'nobody' } },
    token: admin.token,
    effects: ['card_issuer.jobs'],
  }),
  '/cards/bulk/{job_id}/cancel': async () => {
    // Ones that begin in an hour.
    const [job, another] = [randomUUID(), randomUUID()];
    for (const id of [job, another]) {
      await query(
        puerta.database.url,
        `INSERT INTO card_issuer.jobs (id, kind, company_id, actor_user_id, input, run_after)
         VALUES ($1, 'cards.bulk', $2, $3, '{"action": "suspend", "dry_run": false}', now() + interval '1 hour')`,
        [id, admin.companyId, admin.userId],
      );
    }
    return {
      path: `/cards/bulk/${job}/cancel`,
      other: { path: `/cards/bulk/${another}/cancel` },
      token: admin.token,
      effects: [`card_issuer.jobs WHERE id = $1 AND state = 'cancelled'`, job],
    };
  },
  '/cards/{card_id}/suspend': onCard('suspended'),
  '/cards/{card_id}/reactivate': onCard('reactivated', 'suspend'),
  '/cards/{card_id}/revoke': onCard('revoked'),
  '/cards/{card_id}/rotate': onCard('rotated'),
};

/** They may be repeated without a key, in their own way. */
const WITHOUT_KEYS = ['/users/refresh', '/users/logout'];

/** What they change is in Redis, and is asked again where it is: in the suites of the token-service. */
const ELSEWHERE = ['/token/create', '/token/peek', '/token/validate'];

interface Told {
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
}

/** Asks, and gives the answer to the byte. */
async function send({ path, body, token }: Request, key: string, gateway = 0): Promise<Told> {
  const response = await fetch(`${puerta.api(gateway).baseUrl}${path}`, {
    method: 'POST',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      'idempotency-key': key,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answered = JSON.parse(text) as object;
  const { status, headers } = response;
  expectDescribed({ method: 'POST', path: `/api/v1${path}`, status, headers, body: answered });
  if (response.ok) secrets.push(...secretsIn(answered));
  return { status, location: headers.get('location'), text };
}

function secretsIn(answer: object): string[] {
  const { access_token, refresh_token, new_access_token, invitation, scan_url } = answer as Partial<
    LoginAnswer & CreatedInvitation & Card & { new_access_token: string }
  >;
  const code = scan_url?.split('/').at(-1);
  return [access_token, refresh_token, new_access_token, invitation, code].filter((text) => text !== undefined);
}

async function count([what, ...values]: Request['effects']): Promise<number> {
  const [row] = await query<{ n: number }>(puerta.database.url, `SELECT count(*)::int AS n FROM ${what}`, values);
  return row?.n ?? NaN;
}

it('has every POST route in this suite', async () => {
  const { body } = await puerta.http().get<{ paths: Record<string, Record<string, unknown>> }>('/docs-json');
  const posts = Object.entries(body.paths)
    .filter(([, methods]) => 'post' in methods)
    .map(([path]) => path.replace('/api/v1', ''));
  expect([...Object.keys(ROUTES), ...WITHOUT_KEYS, ...ELSEWHERE].sort()).toEqual(posts.sort());
});

describe.each(Object.entries(ROUTES))('POST %s', (_path, prepare) => {
  it('asked 20 times at once over two replicas, and again, has one effect and one answer; another body does not get it', async () => {
    const request = await prepare();
    const before = await count(request.effects);
    const key = randomUUID();
    const told = await Promise.all(Array.from({ length: 20 }, (_, n) => send(request, key, n % 2)));
    expect(told[0]?.status).toBeLessThan(300);
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await send(request, key)).toEqual(told[0]);
    expect(await count(request.effects)).toBe(before + 1);
    const other = await send({ ...request, ...(request.body ? { body: request.other } : request.other) }, key);
    expect(other.status).toBe(request.otherwise ?? 422);
    if (!request.otherwise) expect(JSON.parse(other.text)).toMatchObject({ code: 'idempotency_mismatch' });
    expect(await send(request, key, 1)).toEqual(told[0]);
    expect(await count(request.effects)).toBe(before + 1);
  });
});

it('remembers no refusal', async () => {
  const key = randomUUID();
  const { card_id } = await issueCard(puerta.api(), admin.token);
  const reactivate = {
    path: `/cards/${card_id}/reactivate`,
    body: {},
    other: {},
    token: admin.token,
    effects: ['x'],
  } as const;
  expect((await send(reactivate, key)).status).toBe(409);
  expectStatus(await puerta.api().post(`/cards/${card_id}/suspend`, {}, { token: admin.token }), 200);
  expect((await send(reactivate, key)).status).toBe(200);
});

it('tells the first answer to a PATCH as well', async () => {
  const { token } = admin;
  const { card_id } = await issueCard(puerta.api(), token);
  const headers = { 'idempotency-key': randomUUID() };
  const patch = (unit: string) =>
    puerta.api().patch<Card>(`/cards/${card_id}`, { holder: { unit } }, { token, headers });
  const first = expectStatus(await patch('Derecho'), 200);
  expectStatus(await puerta.api().post(`/cards/${card_id}/suspend`, {}, { token }), 200);
  expect(expectStatus(await patch('Derecho'), 200)).toEqual(first);
  expect(await patch('Medicina')).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
});

describe('after kill -9 between the commit and the answer', () => {
  /** What holds a commit, or the statement after it, open for long enough to kill whoever waits for it. */
  const HOLD = `CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END'`;
  const REFUSE = `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(2); RAISE EXCEPTION ''not stored''; END'`;

  /** Whoever is held up. */
  const HELD = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

  it.each([
    [
      'the answer was stored with the effect',
      '/cards',
      'card-issuer',
      [
        HOLD,
        `CREATE CONSTRAINT TRIGGER t AFTER INSERT ON card_issuer.cards DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.hold()`,
      ],
      ['DROP TRIGGER t ON card_issuer.cards', 'DROP FUNCTION public.hold'],
    ],
    [
      'the answer was not stored',
      '/companies',
      'identity',
      [
        REFUSE,
        `CREATE TRIGGER t BEFORE UPDATE ON identity.inbox FOR EACH ROW
                  WHEN (old.reference IS NOT NULL) EXECUTE FUNCTION public.refuse()`,
      ],
      ['DROP TRIGGER t ON identity.inbox', 'DROP FUNCTION public.refuse'],
    ],
  ] as const)(
    'where %s there is one effect, and one answer from then on',
    async (_what, route, app, prepare, undo) => {
      const request = await (ROUTES[route] as () => Promise<Request>)();
      const before = await count(request.effects);
      const key = randomUUID();
      for (const statement of prepare) await query(puerta.database.url, statement);
      const lost = send(request, key).catch(() => undefined);
      await waitFor(async () => (await query(puerta.database.url, HELD)).length === 1);
      await Promise.all(puerta.replicas[app].map((replica) => replica.kill()));
      await waitFor(async () => (await count(request.effects)) === before + 1);
      for (const statement of undo) await query(puerta.database.url, statement);
      await Promise.all(puerta.replicas[app].map((replica) => replica.start()));
      await lost;
      const first = await waitFor(async () => {
        const told = await send(request, key);
        return told.status === 201 && told;
      }, 20_000);
      const told = await Promise.all(Array.from({ length: 10 }, (_, n) => send(request, key, n % 2)));
      expect(told).toEqual(told.map(() => first));
      expect(await count(request.effects)).toBe(before + 1);
    },
    60_000,
  );
});

it('leaves no password, token, secret or code readable in PostgreSQL', async () => {
  const stored = await dump(puerta.database.url);
  expect(stored).toContain(admin.email);
  expect(secrets.length).toBeGreaterThan(100);
  for (const secret of new Set(secrets)) {
    const forms = [Buffer.from(secret), Buffer.from(secret, 'base64url')].map((bytes) => bytes.toString('hex'));
    for (const form of [secret, ...forms]) expect(stored.includes(form)).toBe(false);
  }
});
