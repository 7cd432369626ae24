// Clients in a thread of their own, which ask again and again on the connections they keep until they are refused one.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { url, path, token, each } = workerData;
const { hostname, port } = new URL(url);
const headers = { authorization: `Bearer ${token}` };
const counts = { answers: 0, last: 0, refused: 0, lost: {} };

/** By node:http, each with an agent of its own. */
function byAgent() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return () =>
    new Promise((resolve, reject) => {
      const asked = request(url + path, { agent, headers }, (response) => {
        response.on('error', reject).on('end', () => resolve(response.headers.connection === 'close'));
        response.resume();
      });
      asked.on('error', reject).end();
    });
}

/** By fetch, which shares a pool. */
function byFetch() {
  return async () => {
    const response = await fetch(url + path, { headers }).catch((error) => {
      throw error.cause ?? error;
    });
    await response.arrayBuffer();
    return response.headers.get('connection') === 'close';
  };
}

/** By a socket that knows nothing of retries. */
function bySocket() {
  let socket;
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\n\r\n`;
  const open = () =>
    new Promise((resolve, reject) => {
      const opened = connect(Number(port), hostname, () => resolve(opened.off('error', reject)));
      opened.once('error', reject);
    });
  return async () => {
    const own = socket && !socket.destroyed ? socket : await open();
    const last = await new Promise((resolve, reject) => {
      let text = '';
      const broken = (error) => reject(error ?? Object.assign(new Error('closed'), { code: 'CLOSED' }));
      own.on('error', broken).on('close', () => broken());
      own.on('data', (chunk) => {
        text += chunk;
        const end = text.indexOf('\r\n\r\n');
        const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? NaN);
        if (end >= 0 && text.length >= end + 4 + length) resolve(/^connection: close/im.test(text));
      });
      own.write(head);
    }).finally(() => {
      own.removeAllListeners().on('error', () => undefined);
      socket = undefined;
    });
    if (last) own.end();
    else socket = own;
    return last;
  };
}

async function run(ask, pauseMs) {
  for (;;) {
    try {
      const last = await ask();
      counts.answers++;
      if (last) counts.last++;
    } catch (error) {
      if (error.code === 'ECONNREFUSED') return void counts.refused++;
      const what = `${ask.name} ${error.code ?? error}`;
      counts.lost[what] = (counts.lost[what] ?? 0) + 1;
    }
    await sleep(Math.random() * pauseMs);
  }
}

const named = (name, ask) => Object.defineProperty(ask, 'name', { value: name });
const kinds = { agent: byAgent, fetch: byFetch, socket: bySocket };
const telling = setInterval(() => {
  parentPort.postMessage({ answers: counts.answers });
}, 10);
await Promise.all(
  Object.entries(kinds).flatMap(([name, kind]) =>
    Array.from({ length: each }, (_, at) => run(named(name, kind()), at % 2 === 0 ? 0 : 40)),
  ),
);
clearInterval(telling);
parentPort.postMessage({ done: counts });
