// A service behind the gateway, as its team would write it: chats about what is known. It wants proof of who asks, and takes
// every fact about them from there.
//
//   PORT=8002 ASSERTION_ISSUER=http://localhost:8080 ASSERTION_KEYS_URL=http://localhost:8080/.well-known/assertion-jwks.json \
//     node examples/query/main.mjs
import { createServer, STATUS_CODES } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { provenIdentity } from './assertion.mjs';
import { allChats, findChat, newChat, publicView, removeChat, say } from './chats.mjs';
import { connect, disconnectAll } from './live.mjs';

const { PORT = '8002' } = process.env;
const BASE = '/api/v1/query';
const MOST_BODY_BYTES = 65_536;
const WORD_MS = 20;

const routes = [
  ['GET', '/health', () => ({ status: 'healthy', service: 'query' })],
  ['GET', `${BASE}/whoami`, whoAmI],
  ['GET', `${BASE}/chats`, ({ who }) => allChats(who)],
  ['POST', `${BASE}/chats`, async ({ who, body }) => [201, publicView(newChat(who, textIn(await body(), 'title')))]],
  ['GET', `${BASE}/chats/:id/messages`, ({ who, id }) => findChat(who, id).messages],
  ['DELETE', `${BASE}/chats/:id`, ({ who, id }) => [204, removeChat(who, id)]],
  ['POST', BASE, ask],
];

/** What is proven, beside what the headers say: the same. */
function whoAmI({ who, request: { headers } }) {
  const names = Object.keys(headers).filter((name) => /^x-(user|company|request|puerta|forwarded)-/.test(name));
  const shown = (name) => (name === 'x-puerta-assertion' ? 'verified' : headers[name]);
  return { proven: who, headers: Object.fromEntries(names.map((name) => [name, shown(name)])) };
}

/** Answers word by word, as a model would, while there is somebody to read it. */
async function ask({ who, body, response }) {
  const asked = await body();
  const question = textIn(asked, 'query');
  const chat = asked.chat_id === undefined ? newChat(who, question.slice(0, 80)) : findChat(who, asked.chat_id);
  say(chat, 'user', question);
  const words = `There is no model behind this demonstration, ${who.email}. You asked: ${question}`.split(/(?<= )/);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  for (const word of words) {
    if (response.destroyed) return;
    response.write(`event: delta\ndata: ${JSON.stringify({ text: word })}\n\n`);
    await sleep(WORD_MS);
  }
  const { message_id } = say(chat, 'assistant', words.join(''));
  response.end(`event: done\ndata: ${JSON.stringify({ chat_id: chat.chat_id, message_id })}\n\n`);
}

const refusal = (status, message) => Object.assign(new Error(message), { status });

async function jsonIn(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MOST_BODY_BYTES) throw refusal(413, `a body has ${MOST_BODY_BYTES} characters at most`);
  }
  try {
    return Object(JSON.parse(text));
  } catch {
    throw refusal(400, 'the body is not JSON');
  }
}

function textIn(body, name) {
  const text = body[name];
  if (typeof text !== 'string' || !text.trim()) throw refusal(422, `${name} must be a text`);
  return text.trim();
}

async function answer(request, response) {
  const [pathname = ''] = request.url.split('?', 1);
  const [, id] = /\/chats\/([^/]+)/.exec(pathname) ?? [];
  const path = pathname.replace(/\/chats\/[^/]+/, '/chats/:id');
  const [, , handle] = routes.find(([method, one]) => method === request.method && one === path) ?? [];
  if (!handle) throw refusal(404, 'there is nothing here');
  const who = path === '/health' ? undefined : await provenIdentity(request.headers);
  const made = await handle({ request, response, who, id, body: () => jsonIn(request) });
  if (response.headersSent) return;
  const [status, body] = Array.isArray(made) && typeof made[0] === 'number' ? made : [200, made];
  if (body === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(request, response, { status = 500, message }) {
  if (status === 500) console.error(`${request.headers['x-request-id'] ?? '-'}: ${message}`);
  if (response.headersSent) return void response.destroy();
  const body = { title: status === 500 ? 'Something failed' : message, status };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}

async function upgrade(request, socket, head) {
  try {
    if (request.url !== `${BASE}/live`) throw refusal(404, 'there is nothing here');
    connect(request, socket, head, await provenIdentity(request.headers));
  } catch ({ status = 500 }) {
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => fail(request, response, error));
});
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => socket.destroy());
  void upgrade(request, socket, head);
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`query is at http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => {
  disconnectAll();
  server.close();
  server.closeAllConnections();
});
