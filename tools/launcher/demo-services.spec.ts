import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssertionIssuer, BAD_ASSERTIONS, waitFor } from '@puerta/testing';
import { WebSocket } from 'ws';
import type { AppProcess } from '../embedded/services.mjs';
import { planDemoServices, startDemoService } from './demo-services.mjs';

let folder: string;
let gateway: AssertionIssuer;
const running: AppProcess[] = [];
const urls: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
  gateway = await AssertionIssuer.start();
  const told = { publicUrl: gateway.issuer, gatewayUrl: gateway.url, log: () => undefined };
  const { running: services } = await planDemoServices({}, folder);
  for (const service of services) {
    urls[service.name] = service.url;
    running.push(startDemoService(service, told));
  }
  await Promise.all(running.map((service) => service.ready(20_000)));
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  gateway.stop();
  rmSync(folder, { recursive: true });
});

/** Somebody, as the gateway tells of them. */
const person = (company = randomUUID(), email = 'ana@example.com') => ({ id: randomUUID(), company, email });
type Person = ReturnType<typeof person>;

const named = ({ id, company, email }: Person) => ({
  'X-User-ID': id,
  'X-Company-ID': company,
  'X-User-Email': Buffer.from(email).toString('latin1'),
  'X-User-Roles': 'issuer',
  'X-Request-ID': randomUUID(),
});

const proven = (who: Person): Record<string, string> => ({
  ...named(who),
  'X-Puerta-Assertion': gateway.sign(who, 'query'),
});

async function ask<T = Record<string, unknown>>(
  service: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: T }> {
  const answer = await fetch(`${urls[service]}/api/v1/${service}${path}`, init);
  const text = await answer.text();
  return { status: answer.status, body: (text && JSON.parse(text)) as T };
}

const post = (headers: Record<string, string>, body: unknown): RequestInit => ({
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Server-Sent Events as they come. */
async function* events(answer: Response): AsyncGenerator<{ event: string; data: Record<string, unknown> }> {
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event) yield { event, data: JSON.parse(data) as Record<string, unknown> };
    }
  }
}

describe('the ingest service', () => {
  const ana = person(undefined, 'año@example.com');
  const upload = (who: Person, name: string, body: string | Uint8Array<ArrayBuffer> = 'hello') =>
    ask<{ document_id: string }>('ingest', `/upload?file_name=${name}`, {
      method: 'POST',
      headers: { ...named(who), 'content-type': 'text/plain' },
      body,
    });

  it('knows nobody whom the gateway does not name', async () => {
    const strangers: Record<string, string>[] = [{}, { 'X-User-ID': ana.id }, { Authorization: 'Bearer x' }];
    for (const headers of strangers) expect((await ask('ingest', '/status', { headers })).status).toBe(401);
    const { body } = await ask('ingest', '/whoami', { headers: named(ana) });
    const who = { user_id: ana.id, company_id: ana.company, email: 'año@example.com', roles: ['issuer'] };
    expect(body).toMatchObject({ ...who, credentials: [] });
  });

  it('takes a document of any size, tells its progress to its company alone, and has it processed', async () => {
    const other = new AbortController();
    const [own, foreign] = await Promise.all([
      fetch(`${urls['ingest']}/api/v1/ingest/events`, { headers: named(ana) }),
      fetch(`${urls['ingest']}/api/v1/ingest/events`, { headers: named(person()), signal: other.signal }),
    ]);
    const heard: string[] = [];
    const listening = (async () => {
      for await (const { event } of events(foreign)) heard.push(event);
    })().catch(() => undefined);
    const bytes = new Uint8Array(3_000_000).fill(7);
    const uploaded = await upload(ana, 'notes.txt', bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(uploaded).toMatchObject({ status: 201, body: { sha256, size: 3_000_000, status: 'processing' } });
    const seen: unknown[] = [];
    for await (const { data } of events(own)) {
      seen.push(data['status']);
      if (data['status'] === 'processed') break;
    }
    expect(new Set(seen)).toEqual(new Set(['uploaded', 'processing', 'processed']));
    other.abort();
    await listening;
    expect(heard).toEqual([]);
    const id = uploaded.body.document_id;
    expect(await ask('ingest', `/status/${id}`, { headers: named(ana) })).toMatchObject({
      status: 200,
      body: {
        document_id: id,
        status: 'processed',
        file_name: 'notes.txt',
        file_type: 'text/plain',
        minio_exists: true,
      },
    });
    expect((await ask('ingest', `/status/${id}`, { headers: named(person()) })).status).toBe(404);
  });

  it('keeps nothing of an upload that broke off', async () => {
    const who = person();
    const list = async () => (await ask<object[]>('ingest', '/status', { headers: named(who) })).body.length;
    const headers = { ...named(who), 'content-length': '1000' };
    const sending = request(`${urls['ingest']}/api/v1/ingest/upload`, { method: 'POST', headers });
    sending.on('error', () => undefined);
    sending.write('half of it');
    await waitFor(async () => (await list()) === 1);
    sending.destroy();
    await waitFor(async () => (await list()) === 0);
  });

  it('lists by pages, the newest first', async () => {
    const who = person();
    for (const name of ['a', 'b', 'c']) await upload(who, name);
    const list = (query: string) => ask<{ file_name: string }[]>('ingest', `/status${query}`, { headers: named(who) });
    expect((await list('?limit=2')).body.map(({ file_name }) => file_name)).toEqual(['c', 'b']);
    expect((await list('?limit=2&offset=2')).body.map(({ file_name }) => file_name)).toEqual(['a']);
    expect((await list('?limit=many')).status).toBe(422);
  });

  it('tries again what failed, and nothing else', async () => {
    const who = person();
    const { document_id: id } = (await upload(who, 'broken.pdf')).body;
    const status = async () => (await ask('ingest', `/status/${id}`, { headers: named(who) })).body['status'];
    const retry = (of = who) => ask('ingest', `/retry/${id}`, { method: 'POST', headers: named(of) });
    expect((await retry()).status).toBe(409);
    await waitFor(async () => (await status()) === 'error');
    expect((await retry(person())).status).toBe(404);
    const message = 'Reintento de ingesta encolado correctamente.';
    const task = { document_id: id, task_id: expect.any(String) as string, status: 'processing', message };
    expect(await retry()).toEqual({ status: 202, body: task });
    await waitFor(async () => (await status()) === 'processed');
  });
});

describe('the query service', () => {
  it('believes proof, and no header', async () => {
    const [ana, mallory] = [person(), person()];
    const { status, body } = await ask('query', '/whoami', {
      headers: { ...named(mallory), 'X-Puerta-Assertion': gateway.sign(ana, 'query') },
    });
    const who = { user_id: ana.id, company_id: ana.company, email: ana.email, roles: ['issuer'] };
    expect([status, body]).toMatchObject([200, { proven: who, headers: { 'x-user-id': mallory.id } }]);
    expect(JSON.stringify(body)).not.toContain(gateway.sign(ana, 'query').split('.')[0]);
  });

  it.each(BAD_ASSERTIONS)('refuses %s', async (_, make) => {
    const who = person();
    const headers = { ...named(who), 'X-Puerta-Assertion': make(gateway, who, 'query') };
    expect((await ask('query', '/chats', { headers })).status).toBe(401);
  });

  it('keeps chats for whoever began them, and answers word by word', async () => {
    const ana = person();
    const chat = await ask<{ chat_id: string }>('query', '/chats', post(proven(ana), { title: 'Horarios' }));
    expect(chat.status).toBe(201);
    const { chat_id } = chat.body;
    const asked = post(proven(ana), { query: '¿Cuándo abre?', chat_id });
    const answer = await fetch(`${urls['query']}/api/v1/query`, asked);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const said: { event: string; data: Record<string, unknown> }[] = [];
    for await (const each of events(answer)) said.push(each);
    expect(said.length).toBeGreaterThan(5);
    expect(said.at(-1)).toMatchObject({ event: 'done', data: { chat_id } });
    const text = said.map(({ data }) => data['text'] ?? '').join('');
    const messages = await ask<object[]>('query', `/chats/${chat_id}/messages`, { headers: proven(ana) });
    expect(messages.body).toMatchObject([
      { role: 'user', content: '¿Cuándo abre?' },
      { role: 'assistant', content: text },
    ]);
    const colleague = person(ana.company);
    for (const other of [colleague, person()]) {
      expect((await ask('query', '/chats', { headers: proven(other) })).body).toEqual([]);
      const wrong = [`/chats/${chat_id}/messages`, `/chats/${chat_id}`] as const;
      expect((await ask('query', wrong[0], { headers: proven(other) })).status).toBe(404);
      expect((await ask('query', wrong[1], { method: 'DELETE', headers: proven(other) })).status).toBe(404);
    }
    expect((await ask('query', `/chats/${chat_id}`, { method: 'DELETE', headers: proven(ana) })).status).toBe(204);
    expect((await ask('query', '/chats', { headers: proven(ana) })).body).toEqual([]);
  });

  it('refuses what it cannot read', async () => {
    const who = person();
    const answers = [
      ask('query', '', { ...post(proven(who), {}), body: '{' }),
      ask('query', '', post(proven(who), { query: 7 })),
      ask('query', '', post(proven(who), { query: 'x'.repeat(70_000) })),
      ask('query', '/nothing', { headers: proven(who) }),
    ];
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([400, 422, 413, 404]);
  });

  it('tells by WebSocket who of the company is connected, to those who have proof', async () => {
    const company = randomUUID();
    const connect = (headers: Record<string, string>) =>
      new WebSocket(`${urls['query']?.replace('http', 'ws')}/api/v1/query/live`, { headers });
    const told: Record<string, unknown>[] = [];
    const ana = connect(proven(person(company, 'ana@example.com')));
    ana.on('message', (data: Buffer) => told.push(JSON.parse(data.toString()) as Record<string, unknown>));
    await once(ana, 'open');
    const luis = connect(proven(person(company, 'luis@example.com')));
    await once(luis, 'open');
    await once(connect(proven(person())), 'open').then(([socket]) => socket as undefined);
    luis.send('hola');
    await waitFor(() => told.some((one) => one['text'] === 'hola'));
    luis.close();
    await waitFor(() => told.length === 4);
    expect(told).toEqual([
      { connected: ['ana@example.com'] },
      { connected: ['ana@example.com', 'luis@example.com'] },
      { from: 'luis@example.com', text: 'hola' },
      { connected: ['ana@example.com'] },
    ]);
    ana.close();
    const refused = connect(named(person()));
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('401');
  });
});

describe('what npm start brings', () => {
  it('is what the user has no service for', async () => {
    const names = async (env: Record<string, string>) => {
      const { running: services, gateway: told } = await planDemoServices(env, folder);
      return [...services.map(({ name }) => name), ...Object.keys(told)].join(' ');
    };
    const both = 'ingest query GATEWAY_INGEST_SERVICE_URL GATEWAY_ROUTES_FILE';
    expect(await names({})).toBe(both);
    expect(await names({ GATEWAY_INGEST_SERVICE_URL: 'http://x' })).toBe('query GATEWAY_ROUTES_FILE');
    expect(await names({ GATEWAY_QUERY_SERVICE_URL: 'http://x' })).toBe('ingest GATEWAY_INGEST_SERVICE_URL');
    expect(await names({ GATEWAY_ROUTES_FILE: '/x' })).toBe('');
  });

  it('goes without the one that lacks packages, and says which', async () => {
    mkdirSync(join(folder, 'node_modules/ws'), { recursive: true });
    const { running: services, gateway: told, lacking } = await planDemoServices({}, folder, folder);
    expect([services.map(({ name }) => name), Object.keys(told), lacking]).toEqual([
      ['ingest'],
      ['GATEWAY_INGEST_SERVICE_URL'],
      ['jose'],
    ]);
  });

  it('is written down for the gateway, with the port that was found', async () => {
    const { running: services, gateway: told } = await planDemoServices({}, folder);
    const text = readFileSync(told['GATEWAY_ROUTES_FILE'] ?? '', 'utf8');
    expect(text).toContain(`target: ${services.find(({ name }) => name === 'query')?.url}\n`);
    expect(text).toContain('assertion: true\n');
  });
});
