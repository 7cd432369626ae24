import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { stopwatch, waitFor } from '@puerta/testing';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { TestInvalidations } from '../../test/invalidations';
import { proxied } from '../../test/proxied';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';

const PATH = '/api/v1/query/live';
const PAGE = 'https://app.example.com';
const FACTS = { user: 'active', session: 'active', email: ACTOR.email, role: 'owner' } as const;
const prefix = `tunnel-${randomUUID().slice(0, 8)}`;

let upstream: TestUpstream;
let sockets: WebSocketServer;
let gateway: TestGateway;
let invalidations: TestInvalidations;

beforeAll(async () => {
  upstream = await TestUpstream.start();
  upstream.server.on('connection', (socket) => connections.push(socket));
  sockets = new WebSocketServer({
    server: upstream.server,
    handleProtocols: (offered) => [...offered].find((name) => name !== 'unwanted') ?? false,
  });
  const strict = { guard: 'strict', leastRole: 'admin' } as const;
  const whole = { connectMs: 1_000, headersMs: 300, idleMs: 1_000, wholeMs: 300 };
  gateway = await startTestGateway({ BUS_PREFIX: prefix, GATEWAY_CORS_ORIGINS: PAGE }, [
    proxied(upstream.url),
    proxied(upstream.url, { name: 'admins', prefix: '/api/v1/admins', requirement: strict }),
    proxied(upstream.url, { name: 'open', prefix: '/api/v1/open', requirement: { guard: 'public' } }),
    proxied(upstream.url, { name: 'short', prefix: '/api/v1/short', timeouts: whole }),
  ]);
  invalidations = await TestInvalidations.start(gateway, prefix);
});

/** What identity says from now on, and the gateway knows. */
async function become(facts: Partial<TestGateway['facts']> = {}): Promise<void> {
  gateway.facts = { ...FACTS, ...facts };
  await invalidations.tell(ACTOR.user_id);
}

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.terminate();
  for (const socket of sockets.clients) socket.terminate();
  sockets.removeAllListeners('connection');
  upstream.answer = (_request, response) => void response.end();
  await become();
  // The next one is not to be judged by what was true before.
  const headers = { authorization: `Bearer ${gateway.accessToken()}` };
  await waitFor(async () => (await fetch(`${gateway.url}${PATH}`, { headers })).status !== 403);
  upstream.received.length = 0;
});

afterAll(async () => {
  invalidations.stop();
  await gateway.stop();
  for (const socket of connections) socket.destroy();
  await upstream.stop();
});

const connections: Socket[] = [];
const opened: WebSocket[] = [];

interface Dialled {
  readonly socket: WebSocket;
  /** The status that it was refused with; 101 when it is open. */
  readonly status: number;
  readonly body: { readonly code?: string };
  readonly headers: Readonly<Record<string, unknown>>;
}

interface Dialling extends ClientOptions {
  readonly protocols?: string[];
  /** In the `Authorization` header; undefined: none. */
  readonly token?: string | undefined;
}

async function dial(path: string = PATH, { protocols = [], headers, ...options }: Dialling = {}): Promise<Dialled> {
  const token = 'token' in options ? options.token : gateway.accessToken();
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, protocols, {
    perMessageDeflate: false,
    ...options,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });
  opened.push(socket);
  return new Promise((resolve, reject) => {
    let answered = {};
    socket.on('upgrade', (response) => (answered = response.headers));
    socket.on('open', () => resolve({ socket, status: 101, body: {}, headers: answered }));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const body = /json/.test(response.headers['content-type'] ?? '') ? (JSON.parse(text) as Dialled['body']) : {};
        resolve({ socket, status: response.statusCode ?? 0, body, headers: response.headers });
      });
    });
  });
}

const bearer = (token: string = gateway.accessToken()): string => `puerta.bearer.${token}`;
const refusal = async (...args: Parameters<typeof dial>) => {
  const { status, body } = await dial(...args);
  return [status, body.code];
};

/** The upstream's end of the next WebSocket, and what it was asked. */
async function nextAtUpstream() {
  const [socket, request] = (await once(sockets, 'connection')) as [WebSocket, { headers: Record<string, string> }];
  return { socket, headers: request.headers };
}

async function pair(...args: Parameters<typeof dial>) {
  const accepted = nextAtUpstream();
  const { socket, headers, status, body } = await dial(...args);
  if (status !== 101) throw new Error(`refused: ${status} ${body.code}`);
  return { client: socket, answered: headers, upstream: await accepted };
}

const closing = async (socket: WebSocket) => {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
};

const live = async (kind: string): Promise<number> =>
  Number(
    new RegExp(`^puerta_live_connections\\{[^}]*kind="${kind}"[^}]*\\} (\\d+)$`, 'm').exec(
      await gateway.metrics.registry.metrics(),
    )?.[1],
  );

const lineOf = (status: number) =>
  waitFor(() => {
    const line = gateway.lines.findLast((one) => one.includes('"request"') && one.includes(`"status":${status}`));
    return line && (JSON.parse(line) as Record<string, unknown>);
  });

/** Sends bytes as they are; all that comes until the other side closes, or nothing more comes. */
async function raw(...parts: readonly (string | Buffer)[]): Promise<{ text: string; socket: Socket }> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined);
  for (const part of parts) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  // Until nothing has come for a while.
  for (let known = -1; known !== text.length;) {
    known = text.length;
    await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  return { text, socket };
}

const head = (path: string, lines: readonly string[], method = 'GET'): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${gateway.accessToken()}`, ...lines, '', ''].join(
    '\r\n',
  );
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
const statuses = (text: string): string[] => text.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? [];

describe('who may open a WebSocket', () => {
  it('is decided as for every request', async () => {
    const expired = gateway.accessToken({}, { expiresIn: -60 });
    const alone = gateway.accessToken({ company_id: undefined });
    expect(await refusal(PATH, { token: undefined })).toEqual([401, 'unauthenticated']);
    expect(await refusal(PATH, { token: expired })).toEqual([401, 'access_token_expired']);
    expect(await refusal(PATH, { token: 'junk' })).toEqual([401, 'access_token_invalid']);
    expect(await refusal(PATH, { token: alone })).toEqual([403, 'company_required']);
    expect(await refusal('/api/v1/query//live')).toEqual([400, 'path_ambiguous']);
    await become({ role: 'member' });
    await waitFor(async () => (await refusal('/api/v1/admins'))[1] === 'role_required');
    await become({ role: null });
    await waitFor(async () => (await refusal(PATH))[1] === 'not_a_member');
    expect(sockets.clients.size).toBe(0);
    expect((await lineOf(403))['code']).toBe('not_a_member');
  });

  it('may say the token among the protocols, by the same rules, and the service does not see it', async () => {
    const given = { token: undefined };
    const { client, answered, upstream: at } = await pair(PATH, { ...given, protocols: ['chat', bearer(), 'news'] });
    expect([client.protocol, answered['sec-websocket-protocol']]).toEqual(['chat', 'chat']);
    expect(at.headers).toMatchObject({ 'sec-websocket-protocol': 'chat, news', 'x-user-id': ACTOR.user_id });
    expect(JSON.stringify(at.headers)).not.toMatch(/bearer/i);

    const only = bearer();
    const alone = await pair(PATH, { ...given, protocols: [only] });
    expect([alone.client.protocol, alone.upstream.headers['sec-websocket-protocol']]).toEqual([only, undefined]);

    const expired = gateway.accessToken({}, { expiresIn: -60 });
    const refused = (...protocols: string[]) => refusal(PATH, { ...given, protocols });
    expect(await refused('chat')).toEqual([401, 'unauthenticated']);
    expect(await refused(bearer(expired))).toEqual([401, 'access_token_expired']);
    expect(await refused(bearer('junk'))).toEqual([401, 'access_token_invalid']);
    expect(await refused(bearer(), bearer(gateway.accessToken()))).toEqual([401, 'access_token_invalid']);
    expect(await refusal(PATH, { protocols: [bearer()] })).toEqual([401, 'access_token_invalid']);
    // It is a token in a WebSocket handshake, and nowhere else.
    const asked = { 'sec-websocket-protocol': bearer() };
    expect((await fetch(`${gateway.url}${PATH}`, { headers: asked })).status).toBe(401);
  });

  it('does not pass a token among the protocols on where others are passed on', async () => {
    const { upstream: at } = await pair('/api/v1/open/x', { token: undefined, protocols: [bearer(), 'chat'] });
    expect(at.headers['sec-websocket-protocol']).toBe('chat');
    expect(at.headers).not.toHaveProperty('authorization');
    const own = await pair('/api/v1/open/x', { token: 'theirs' });
    expect(own.upstream.headers['authorization']).toBe('Bearer theirs');
  });

  it('is no page of another origin', async () => {
    for (const origin of [
      'https://evil.example',
      `${PAGE}.evil.example`,
      'null',
      `${PAGE}, ${PAGE}`,
      PAGE.toUpperCase(),
    ])
      expect(await refusal(PATH, { headers: { origin } })).toEqual([403, 'origin_not_allowed']);
    expect(await refusal('/api/v1/open/x', { headers: { origin: 'null' } })).toEqual([403, 'origin_not_allowed']);
    for (const origin of [PAGE, 'https://puerta.example.com'])
      expect((await dial(PATH, { headers: { origin } })).status).toBe(101);
  });

  it('does not say who it is itself', async () => {
    const names = ['X-User-ID', 'x_user_id', 'X-User-Roles', 'X-COMPANY-ID', 'X-Puerta-Assertion', 'X-User.Email'];
    const headers = Object.fromEntries(names.map((name) => [name, 'forged']));
    const { upstream: at } = await pair(PATH, { headers: { ...headers, forwarded: 'for=forged' } });
    expect(at.headers).toMatchObject({ 'x-user-id': ACTOR.user_id, 'x-user-roles': 'owner', upgrade: 'websocket' });
    expect(JSON.stringify(at.headers)).not.toContain('forged');
    expect(at.headers).not.toHaveProperty('authorization');
  });
});

describe('a WebSocket', () => {
  it('carries big messages both ways, no faster than they are taken', async () => {
    const { client, upstream: at } = await pair();
    at.socket.on('message', (data, binary) => at.socket.send(data, { binary }));
    const sent = Array.from({ length: 24 }, () => randomBytes(1_000_000 + Math.floor(Math.random() * 100_000)));
    const got: Buffer[] = [];
    client.on('message', (data: Buffer) => got.push(data));
    for (const message of sent) client.send(message);
    // Neither side reads for a while: what is under way then is kept back.
    for (const { _socket } of [client, at.socket] as unknown as { _socket: Duplex }[]) _socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const { _socket } of [client, at.socket] as unknown as { _socket: Duplex }[]) _socket.resume();
    await waitFor(() => got.length === sent.length, 20_000);
    const hash = (all: Buffer[]) => createHash('sha256').update(Buffer.concat(all)).digest('hex');
    expect(hash(got)).toBe(hash(sent));
    client.close(4_000, 'done');
    expect(await closing(at.socket)).toEqual([4_000, 'done']);
    const line = await waitFor(() => gateway.lines.find((one) => /"status":101.*"bytes":\d{8}/.test(one)));
    expect(JSON.parse(line)).toMatchObject({ route: '/api/v1/query/*', user_id: ACTOR.user_id });
  });

  it('keeps nothing for who does not take it, and cuts off who takes nothing for long', async () => {
    const sides: ((both: Awaited<ReturnType<typeof pair>>) => [WebSocket, WebSocket])[] = [
      ({ client, upstream: at }) => [client, at.socket],
      ({ client, upstream: at }) => [at.socket, client],
    ];
    for (const choose of sides) {
      const [from, to] = choose(await pair());
      (to as unknown as { _socket: Socket })._socket.pause();
      const gone = once(from, 'close');
      from.send(Buffer.alloc(64_000_000));
      await new Promise((resolve) => setTimeout(resolve, 500));
      // Half of it at least has not left yet; the rest is in buffers of the system.
      expect(from.bufferedAmount).toBeGreaterThan(32_000_000);
      await gone;
    }
    expect((await lineOf(101))['code']).toBe('upstream_timeout');
  });

  it('may be compressed, as both sides agree', async () => {
    const { client, answered, upstream: at } = await pair(PATH, { perMessageDeflate: true });
    expect(answered['sec-websocket-extensions']).toBeUndefined();
    at.socket.send('a'.repeat(10_000));
    expect(((await once(client, 'message')) as [Buffer])[0]).toHaveLength(10_000);
  });

  it('may be silent for longer than an answer may', async () => {
    const { client, upstream: at } = await pair();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    client.send('still here');
    expect(String(((await once(at.socket, 'message')) as [Buffer])[0])).toBe('still here');
  });

  it('is closed when its route gives it no longer', async () => {
    const { client } = await pair('/api/v1/short/x');
    expect(await closing(client)).toEqual([1008, 'upstream_timeout']);
  });

  it('is counted while it is open', async () => {
    const { client } = await pair();
    expect(await live('websocket')).toBe(1);
    client.close();
    await waitFor(async () => (await live('websocket')) === 0);
  });
});

describe('a WebSocket that is open', () => {
  const revoked = async (facts: Partial<TestGateway['facts']>) => {
    const { client, upstream: at } = await waitFor(() => pair().catch(() => undefined));
    const gone = once(at.socket, 'close');
    const closed = closing(client);
    const took = stopwatch();
    await become(facts);
    const said = await closed;
    await gone;
    expect(took()).toBeLessThan(1_000);
    await become();
    return said;
  };

  it('is closed within a second when the session is revoked, and so is the upstream', async () => {
    expect(await revoked({ session: 'revoked' })).toEqual([1008, 'session_revoked']);
  });

  it('is closed when the user is shut out, or is no member any more, or has a lower role than was said', async () => {
    expect(await revoked({ user: 'inactive' })).toEqual([1008, 'session_revoked']);
    expect(await revoked({ role: null })).toEqual([1008, 'not_a_member']);
    expect(await revoked({ role: 'admin' })).toEqual([1008, 'role_required']);
  });

  it('stays open when something else about the user changes, or another is revoked', async () => {
    const { client, upstream: at } = await pair();
    await invalidations.tell(ACTOR.user_id);
    await invalidations.tell(randomUUID());
    await new Promise((resolve) => setTimeout(resolve, 500));
    client.send('still here');
    await once(at.socket, 'message');
  });

  it('is closed when its token expires', async () => {
    // Requests with it are let in for five seconds more, as clocks differ.
    const iat = Math.floor(Date.now() / 1_000) - 60;
    const { client } = await pair(PATH, { token: gateway.accessToken({ iat }, { expiresIn: 56 }) });
    const took = stopwatch();
    expect(await closing(client)).toEqual([1008, 'access_token_expired']);
    expect(took()).toBeLessThan(2_000);
  });

  it('is told between two frames, and in the middle of one that does not end only cut', async () => {
    const { client, upstream: at } = await pair();
    const wire = (at.socket as unknown as { _socket: Socket })._socket;
    const got: Buffer[] = [];
    client.on('message', (data: Buffer) => got.push(data));
    wire.write(Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Buffer.alloc(60_000, 1)]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = closing(client);
    await become({ session: 'revoked' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The rest of this frame, and one that nobody gets any more.
    wire.write(Buffer.concat([Buffer.alloc(5_536, 1), Buffer.from([0x82, 1, 7])]));
    expect(await closed).toEqual([1008, 'session_revoked']);
    expect(got.map(({ length }) => length)).toEqual([65_536]);

    await become();
    const stuck = await waitFor(() => pair().catch(() => undefined));
    (stuck.upstream.socket as unknown as { _socket: Socket })._socket.write(Buffer.from([0x82, 126, 0x10]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const cut = closing(stuck.client);
    await become({ session: 'revoked' });
    expect(await cut).toEqual([1006, '']);
  });
});

describe('when one side of a WebSocket goes', () => {
  it('without a word, the other is closed within a second', async () => {
    for (const vanish of ['terminate', 'end'] as const) {
      const { client, upstream: at } = await pair();
      const took = stopwatch();
      if (vanish === 'terminate') client.terminate();
      else (client as unknown as { _socket: Socket })._socket.end();
      await once(at.socket, 'close');
      expect(took()).toBeLessThan(1_000);
    }
    for (const vanish of ['terminate', 'resetAndDestroy'] as const) {
      const { client, upstream: at } = await pair();
      const took = stopwatch();
      if (vanish === 'terminate') at.socket.terminate();
      else (at.socket as unknown as { _socket: Socket })._socket.resetAndDestroy();
      expect(await closing(client)).toEqual([1006, '']);
      expect(took()).toBeLessThan(1_000);
    }
    await waitFor(async () => (await live('websocket')) === 0);
  });

  it('while it is waited for, nobody is left waiting', async () => {
    const hanging: Duplex[] = [];
    const listeners = upstream.server.listeners('upgrade') as ((...args: unknown[]) => void)[];
    upstream.server.removeAllListeners('upgrade').on('upgrade', (_request, socket: Duplex) => hanging.push(socket));
    try {
      for (const leave of ['destroy', 'end'] as const) {
        const { hostname, port } = new URL(gateway.url);
        const client = connect(Number(port), hostname);
        client.write(head(PATH, WEBSOCKET));
        const socket = (await waitFor(() => hanging.pop())) as Socket;
        const took = stopwatch();
        client[leave]();
        socket.resume().on('error', () => undefined);
        await Promise.race([once(socket, 'end'), once(socket, 'close')]);
        expect(took()).toBeLessThan(1_000);
      }
      expect(await refusal('/api/v1/short/x')).toEqual([504, 'upstream_timeout']);
    } finally {
      upstream.server.removeAllListeners('upgrade');
      for (const listener of listeners) upstream.server.on('upgrade', listener);
      for (const socket of hanging) socket.destroy();
    }
  });
});

describe('an upstream that opens no WebSocket', () => {
  let answer: (socket: Duplex, key: string) => void;
  let listeners: ((...args: unknown[]) => void)[];

  beforeAll(() => {
    listeners = upstream.server.listeners('upgrade') as typeof listeners;
    upstream.server.removeAllListeners('upgrade').on('upgrade', (request, socket: Duplex) => {
      socket.on('error', () => undefined);
      answer(socket, request.headers['sec-websocket-key'] ?? '');
    });
  });

  afterAll(() => {
    upstream.server.removeAllListeners('upgrade');
    for (const listener of listeners) upstream.server.on('upgrade', listener);
  });

  it('answers as it likes', async () => {
    answer = (socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nX-Own: 1\r\n\r\n{}');
    const { status, headers } = await dial();
    expect([status, headers['x-own'], headers['connection']]).toEqual([426, '1', 'close']);
    answer = (socket) =>
      socket.write(`HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n`);
    expect((await dial()).status).toBe(404);
    // Whoever answered so need not read on: the next request goes elsewhere.
    expect(
      (await fetch(`${gateway.url}${PATH}`, { headers: { authorization: `Bearer ${gateway.accessToken()}` } })).ok,
    ).toBe(true);
    expect(await live('websocket')).toBe(0);
  });

  const accept = (key: string) =>
    createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const switching = (socket: Duplex, ...lines: string[]) =>
    socket.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'));
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

  it('or says a length besides, does not make what follows a body for a proxy before us', async () => {
    answer = (socket, key) => {
      switching(socket, ...upgrade, `Sec-WebSocket-Accept: ${accept(key)}`, 'Content-Length: 5', 'X-Own: 1');
      socket.resume().on('end', () => socket.destroy());
    };
    const { status, headers, socket } = await dial();
    socket.terminate();
    expect([status, headers['x-own'], headers['content-length']]).toEqual([101, '1', undefined]);
    await waitFor(async () => (await live('websocket')) === 0);
  });

  it('opens nothing by an answer that is none to what was asked', async () => {
    const answers: (typeof answer)[] = [
      (socket) => switching(socket, ...upgrade),
      (socket) => switching(socket, ...upgrade, `Sec-WebSocket-Accept: ${accept('another')}`),
      (socket, key) =>
        switching(socket, ...upgrade, `Sec-WebSocket-Accept: ${accept(key)}`, 'Sec-WebSocket-Protocol: x'),
      (socket, key) => switching(socket, `Sec-WebSocket-Accept: ${accept(key)}`),
      (socket) => socket.destroy(),
    ];
    for (answer of answers) expect(await refusal()).toEqual([502, 'upstream_unreachable']);
    expect(await live('websocket')).toBe(0);
  });
});

describe('a request that is no WebSocket handshake, though it asks for an upgrade', () => {
  it('is served as if it had not', async () => {
    upstream.answer = ({ method, body }, response) => void response.end(`${method} ${body.toString()}`);
    const { text } = await raw(head(PATH, H2C));
    expect([statuses(text), text.endsWith('GET ')]).toEqual([['200'], true]);
    const body = [...H2C, 'Content-Length: 5'];
    expect((await raw(head(PATH, body, 'POST'), 'hello')).text).toMatch(/POST hello$/);
    expect((await raw(`${head(PATH, body, 'POST')}hello`)).text).toMatch(/POST hello$/);
    const chunked = [...H2C, 'Transfer-Encoding: chunked'];
    expect((await raw(`${head(PATH, chunked, 'POST')}5\r\nhello\r\n0\r\n\r\n`)).text).toMatch(
      /POST hello\r\n0\r\n\r\n$|POST hello$/,
    );
    for (const { headers } of upstream.received) expect(headers).not.toHaveProperty('upgrade');
    expect(statuses((await raw(head('/health', H2C))).text)).toEqual(['200']);
    expect(statuses((await raw(head('/health', WEBSOCKET))).text)).toEqual(['200']);
    expect(statuses((await raw(head('/nothing', WEBSOCKET))).text)).toEqual(['404']);
    const withBody = [...WEBSOCKET, 'Content-Length: 5'];
    expect((await raw(head(PATH, withBody), 'hello')).text).toMatch(/GET hello$/);
    for (const method of ['POST', 'PUT'])
      expect(statuses((await raw(head(PATH, WEBSOCKET, method))).text)).toEqual(['200']);
    expect(sockets.clients.size).toBe(0);
  });

  it('is the last of its connection: what came behind it is no request', async () => {
    upstream.answer = (_request, response) => void response.end();
    const next = head(`${PATH}/smuggled`, []);
    for (const lines of [H2C, [...H2C, 'Content-Length: 5']]) {
      const { text } = await raw(`${head(PATH, lines)}${lines.length > 3 ? 'hello' : ''}${next}`, next);
      expect([statuses(text), /^connection: close/im.test(text)]).toEqual([['200'], true]);
    }
    expect(upstream.received.map(({ url }) => url)).not.toContain(`${PATH}/smuggled`);
  });
});

describe('bytes behind a handshake', () => {
  const next = (): string => head(`${PATH}/smuggled`, []);
  const masked = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x41]);

  it('that did not wait for the answer refuse it', async () => {
    for (const early of [next(), masked]) {
      const { text } = await raw(Buffer.concat([Buffer.from(head(PATH, WEBSOCKET)), Buffer.from(early)]));
      expect(statuses(text)).toEqual(['400']);
    }
    expect(sockets.clients.size).toBe(0);
  });

  it('are no request after it was refused', async () => {
    const refused = head(PATH, WEBSOCKET).replace(/Bearer \S+/, 'Bearer junk');
    expect(statuses((await raw(`${refused}${next()}`, next())).text)).toEqual(['401']);
    expect(statuses((await raw(refused, next())).text)).toEqual(['401']);
    expect(upstream.received).toEqual([]);
  });

  it('and requests before it, do not make one connection two', async () => {
    upstream.answer = (_request, response) => void setTimeout(() => response.end(), 50);
    const { text } = await raw(`${head(PATH, [])}${head(`${PATH}/second`, WEBSOCKET)}${next()}`, next());
    expect(statuses(text)).toEqual(['200', '200']);
    expect(upstream.received.map(({ url }) => url)).toEqual([PATH, `${PATH}/second`]);
    expect(sockets.clients.size).toBe(0);
  });

  it('with two lengths, or with a coding, are refused like those of any request', async () => {
    for (const lines of [
      ['Content-Length: 0', 'Content-Length: 5'],
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: gzip'],
      ['Host: y'],
    ]) {
      expect(statuses((await raw(`${head(PATH, [...WEBSOCKET, ...lines])}hello${next()}`)).text)).toEqual(['400']);
    }
    expect(upstream.received).toEqual([]);
  });
});

describe('many WebSockets at once', () => {
  it('take no more connections than there are; the others wait, and are told to come again', async () => {
    const few = await startTestGateway(
      { GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS: '10', GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS: '5' },
      [proxied(upstream.url)],
    );
    try {
      const url = `${few.url.replace('http', 'ws')}${PATH}`;
      const outcomes = new Map<string, number>();
      const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const took = stopwatch();
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          const socket = new WebSocket(url, {
            headers: { authorization: `Bearer ${few.accessToken({}, { subject: randomUUID() })}` },
          });
          opened.push(socket);
          await new Promise<void>((resolve) => {
            socket.on('open', resolve).on('error', () => undefined);
            socket.on('unexpected-response', (_request, { statusCode, headers }) => {
              count(`${statusCode} ${headers['retry-after']}`);
              resolve();
            });
          });
          if (socket.readyState === WebSocket.OPEN) count('open');
        }),
      );
      expect([...outcomes].sort()).toEqual([
        ['503 1', 30],
        ['open', 10],
      ]);
      // Ten of them have waited for a connection to become free, for as long as one may wait.
      expect(took()).toBeGreaterThan(900);
      const waiting = new WebSocket(url, {
        headers: { authorization: `Bearer ${few.accessToken({}, { subject: randomUUID() })}` },
      });
      opened.push(waiting);
      setTimeout(() => opened.find(({ readyState }) => readyState === WebSocket.OPEN)?.close(), 100);
      await once(waiting, 'open');
    } finally {
      await few.stop();
    }
  });
});

describe('an answer that lasts', () => {
  const ask = (signal?: AbortSignal): Promise<Response> =>
    fetch(`${gateway.url}${PATH}`, {
      ...(signal && { signal }),
      headers: { authorization: `Bearer ${gateway.accessToken()}` },
    });
  const events = (header: Record<string, string> = {}) => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...header });
      const timer = setInterval(() => response.write(`data: ${process.hrtime.bigint()}\n\n`), 10);
      response.once('close', () => {
        clearInterval(timer);
        ended();
      });
    };
    let ended: () => void;
    return new Promise<void>((resolve) => (ended = resolve));
  };

  it('of events, passes each of them on at once', async () => {
    const gone = events();
    const leaving = new AbortController();
    const { body } = await ask(leaving.signal);
    const late: number[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      for (const [, at] of Buffer.from(chunk)
        .toString()
        .matchAll(/data: (\d+)/g))
        late.push(Number(process.hrtime.bigint() - BigInt(at as string)) / 1e6);
      if (late.length >= 100) break;
    }
    leaving.abort();
    await gone;
    late.sort((one, other) => one - other);
    expect(late[98]).toBeLessThan(50);
  });

  it('of events, ends when access is taken, for the upstream too', async () => {
    const gone = events();
    const answer = await ask();
    await waitFor(async () => (await live('events')) === 1);
    const whole = answer.text();
    const took = stopwatch();
    await become({ session: 'revoked' });
    expect(await whole).toMatch(/^data: /);
    await gone;
    expect(took()).toBeLessThan(1_000);
    expect(await live('events')).toBe(0);
    await waitFor(() =>
      gateway.lines.some((line) => /"code":"session_revoked"/.test(line) && /"status":200/.test(line)),
    );
  });

  it('is cut where its length was said, so that nobody takes it for whole', async () => {
    const gone = events({ 'content-length': '1000000' });
    const answer = await ask();
    jest.spyOn(performance, 'now').mockImplementation(() => Number(process.hrtime.bigint()) / 1e6 + 6_000);
    try {
      await waitFor(async () => (await live('stream')) === 1);
      const whole = answer.text();
      await become({ role: null });
      await expect(whole).rejects.toThrow('terminated');
      await gone;
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('is not watched over where it is short', async () => {
    upstream.answer = (_request, response) => void response.end('short');
    await ask();
    expect([await live('stream'), await live('events')]).toEqual([0, 0]);
  });
});

describe('at shutdown', () => {
  it('WebSockets are told that we go away, and events end', async () => {
    const leaving = await startTestGateway({}, [proxied(upstream.url)]);
    const headers = { authorization: `Bearer ${leaving.accessToken()}` };
    const socket = new WebSocket(`${leaving.url.replace('http', 'ws')}${PATH}`, { headers });
    await once(socket, 'open');
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    };
    const answer = await fetch(`${leaving.url}${PATH}`, { headers });
    const [closed, text] = [closing(socket), answer.text()];
    const took = stopwatch();
    await Promise.all([leaving.stop(), closed, text]);
    expect([await closed, await text]).toEqual([[1001, 'shutdown'], 'data: 1\n\n']);
    expect(took()).toBeLessThan(4_000);
  });
});
