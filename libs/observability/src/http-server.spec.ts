import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpServer, type HttpServerOptions } from './http-server';
import { upgradeOf } from './http-upgrades';

const DRAIN = { idleMs: 200, limitMs: 5_000 };
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

const started: HttpServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(started.splice(0).map((http) => http.drain({ idleMs: 0, limitMs: 0 })));
});

async function start(
  listener: RequestListener,
  options?: HttpServerOptions,
): Promise<{ http: HttpServer; port: number }> {
  const http = new HttpServer(listener, options);
  started.push(http);
  http.server.listen(0, '127.0.0.1');
  await once(http.server, 'listening');
  return { http, port: (http.server.address() as AddressInfo).port };
}

/** A connection, with everything that came on it, whether it was closed, and how. */
async function open(port: number) {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  const seen = { socket, text: '', closed: false, error: undefined as Error | undefined };
  socket.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  socket.on('error', (error) => (seen.error = error)).on('close', () => (seen.closed = true));
  return seen;
}

const answer: RequestListener = (_request, response) => void response.setHeader('content-length', 2).end('ok');
const answerLate: RequestListener = (asked, response) => void setTimeout(() => answer(asked, response), 50);
const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

describe('an HTTP server that ends', () => {
  it('answers what comes on an idle connection, for the last time, and then takes none', async () => {
    const { http, port } = await start(answer);
    const idle = await open(port);
    idle.socket.write(REQUEST);
    while (!idle.text.endsWith('ok')) await sleep(5);
    const ended = http.drain(DRAIN);
    await sleep(100);
    await expect(open(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    idle.socket.write(REQUEST);
    await ended;
    while (!idle.closed) await sleep(5);
    expect([count(idle.text, / 200 OK/g), count(idle.text, /Connection: close/g), idle.error]).toEqual([
      2,
      1,
      undefined,
    ]);
  });

  it('closes connections on which nothing comes, also those on which nothing ever came', async () => {
    const { http, port } = await start(answer);
    const [used, unused] = [await open(port), await open(port)];
    used.socket.write(REQUEST);
    while (!used.text.endsWith('ok')) await sleep(5);
    await http.drain(DRAIN);
    while (!used.closed || !unused.closed) await sleep(5);
    expect([used.error, unused.error, count(used.text, / 200 OK/g)]).toEqual([undefined, undefined, 1]);
  });

  it('waits for the rest of a request that has begun to come', async () => {
    const { http, port } = await start(answer);
    const slow = await open(port);
    slow.socket.write(REQUEST.slice(0, 20));
    await sleep(20);
    const ended = http.drain(DRAIN);
    await sleep(DRAIN.idleMs + 100);
    slow.socket.write(REQUEST.slice(20));
    await ended;
    expect([count(slow.text, / 200 OK/g), slow.error]).toEqual([1, undefined]);
  });

  it('answers all requests that were sent at once, and says of the last answer that it is the last', async () => {
    const { http, port } = await start(answerLate);
    const eager = await open(port);
    eager.socket.write(REQUEST.repeat(5));
    await sleep(20);
    const ended = http.drain(DRAIN);
    await ended;
    expect([count(eager.text, / 200 OK/g), eager.error]).toEqual([5, undefined]);
    expect(eager.text.lastIndexOf('Connection: close')).toBeGreaterThan(eager.text.lastIndexOf(' 200 OK'));
    expect(count(eager.text, /Connection: close/g)).toBe(1);
  });

  it('lets who is still sending read why it was refused', async () => {
    const { port } = await start((_request, response) => void response.setHeader('connection', 'close').end('no'));
    const sender = await open(port);
    sender.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n');
    for (let sent = 0; sent < 20 && !sender.error; sent++) {
      sender.socket.write(Buffer.alloc(100_000));
      await sleep(5);
    }
    sender.socket.end();
    while (!sender.closed) await sleep(5);
    expect([sender.error, sender.text.endsWith('no')]).toEqual([undefined, true]);
  });

  it('serves nothing that comes after the last answer', async () => {
    const served: string[] = [];
    const { port } = await start((asked, response) => {
      served.push(asked.url ?? '');
      response.setHeader('connection', 'close').end('ok');
    });
    const eager = await open(port);
    eager.socket.write(REQUEST);
    while (!eager.text.endsWith('ok')) await sleep(5);
    eager.socket.write(REQUEST.replace('/', '/again'));
    eager.socket.end();
    while (!eager.closed) await sleep(5);
    expect([served, eager.error]).toEqual([['/'], undefined]);
  });

  it('loses none of a thousand requests of clients that keep their connections', async () => {
    const answers = new Map<string, number>();
    for (let round = 0; round < 5; round++) {
      const { http, port } = await start(
        (asked, response) => void setTimeout(answer, Math.random() * 5, asked, response),
      );
      const clients = await Promise.all(Array.from({ length: 200 }, () => askAgainAndAgain(port)));
      await http.drain(DRAIN);
      for (const end of await Promise.all(clients.map((client) => client.end))) {
        answers.set(end, (answers.get(end) ?? 0) + 1);
      }
    }
    expect([...answers]).toEqual([['answered', 1_000]]);
  });
});

/** Asks on one connection for as long as it is kept, with pauses. Resolves after the first answer; `end` tells how the last one ended. */
async function askAgainAndAgain(port: number): Promise<{ end: Promise<string> }> {
  const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST));
  sockets.push(socket);
  const end = new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve(error.message)).on('close', () => resolve('closed'));
    socket.on('data', (chunk: Buffer) => {
      if (!chunk.includes('Connection: close')) return setTimeout(() => socket.write(REQUEST), Math.random() * 100);
      socket.end();
      return resolve('answered');
    });
  });
  await once(socket, 'data');
  return { end };
}

describe('an upgrade', () => {
  const handshake = (path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const listener: RequestListener = (request, response) => {
    const upgrade = upgradeOf(request);
    if (upgrade) upgrade.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    else answer(request, response);
  };
  const upgrades: HttpServerOptions['upgrades'] = ({ url }) => url === '/live';

  it('is handed over where it is wanted, and else ignored', async () => {
    const { port } = await start(listener, { upgrades });
    const [wanted, other] = [await open(port), await open(port)];
    wanted.socket.write(handshake('/live'));
    other.socket.write(`${handshake('/other')}${REQUEST}`);
    while (!wanted.text.endsWith('\r\n\r\n')) await sleep(5);
    other.socket.once('end', () => other.socket.end());
    while (!other.closed) await sleep(5);
    expect(wanted.text).toMatch(/^HTTP\/1.1 101 /);
    expect([count(other.text, / 200 OK/g), count(other.text, /Connection: close/g)]).toEqual([1, 1]);
  });

  it('is ignored where nobody wants any', async () => {
    const { port } = await start(listener);
    const other = await open(port);
    other.socket.write(handshake('/live'));
    while (!other.text.endsWith('ok')) await sleep(5);
    expect(count(other.text, / 200 OK/g)).toBe(1);
  });

  it('is cut at the end of a drain, if nobody has ended it', async () => {
    const { http, port } = await start(listener, { upgrades });
    const wanted = await open(port);
    wanted.socket.write(handshake('/live'));
    while (wanted.text === '') await sleep(5);
    await http.drain({ idleMs: 50, limitMs: 300 });
    while (!wanted.closed) await sleep(5);
  });
});
