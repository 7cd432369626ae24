// @ts-check
/**
 * What the gateway is compared with, each a process of its own: `node proxies.mjs NAME [UPSTREAM]` says its port. None
 * authenticates, limits or logs.
 */
import { createServer } from 'node:http';
import Fastify from 'fastify';
import replyFrom from '@fastify/reply-from';
import { Pool } from 'undici';

const ANSWER = Buffer.alloc(1_024, 'x');

/** The service behind: 1 KiB, whatever is asked. */
async function upstream() {
  const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    response.setHeader('content-type', 'application/octet-stream');
    response.end(ANSWER);
  });
  return listening(server);
}

/** The least that forwards a request by undici and streams its answer: no header is looked at but those of a hop. */
async function undici(/** @type {string} */ origin) {
  const pool = new Pool(origin, { connections: 200 });
  const hop = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding']);
  const server = createServer((request, response) => {
    const headers = [];
    const { rawHeaders } = request;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = String(rawHeaders[i]);
      if (!hop.has(name.toLowerCase())) headers.push(name, String(rawHeaders[i + 1]));
    }
    pool.dispatch(
      { path: String(request.url), method: /** @type {'GET'} */ (request.method), headers, body: null },
      {
        onRequestStart() {},
        onResponseStart(controller, status) {
          const raw = /** @type {Buffer[]} */ (controller.rawHeaders);
          const back = [];
          for (let i = 0; i < raw.length; i += 2) {
            const name = String(raw[i]);
            if (!hop.has(name.toLowerCase())) back.push(name, String(raw[i + 1]));
          }
          response.writeHead(status, back);
        },
        onResponseData(controller, chunk) {
          if (response.write(chunk)) return;
          controller.pause();
          response.once('drain', () => controller.resume());
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  });
  return listening(server);
}

async function reply(/** @type {string} */ origin) {
  const app = Fastify();
  await app.register(replyFrom, { base: origin, undici: { connections: 200, pipelining: 1 } });
  app.all('/*', (request, answer) => answer.from(String(request.raw.url)));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return /** @type {import('node:net').AddressInfo} */ (app.server.address()).port;
}

/** @param {import('node:http').Server} server */
async function listening(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @type {Record<string, (origin: string) => Promise<number>>} */
const SERVERS = { upstream, undici, 'reply-from': reply };
const [name = '', origin = ''] = process.argv.slice(2);
process.send?.(await SERVERS[name]?.(origin));
process.on('disconnect', () => process.exit());
