// A service behind the gateway, as its team would write it: it takes documents and tells how far it has got with them.
// It knows people by the headers that the gateway sets, and by nothing else.
//
//   PORT=8001 node examples/ingest/main.mjs
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { documentsOf, publicView } from './documents.mjs';
import { streamEvents } from './events.mjs';

const { PORT = '8001' } = process.env;
const BASE = '/api/v1/ingest';

/** How often the progress of an upload is told. */
const TOLD_BYTES = 1_048_576;

const routes = [
  ['GET', '/health', () => ({ status: 'healthy', service: 'ingest' })],
  ['GET', `${BASE}/whoami`, whoAmI],
  ['POST', `${BASE}/upload`, upload],
  ['GET', `${BASE}/status`, list],
  ['GET', `${BASE}/status/:id`, ({ documents, id }) => publicView(documents.find(id))],
  ['POST', `${BASE}/retry/:id`, retry],
  ['GET', `${BASE}/events`, ({ documents, response }) => streamEvents(documents, response)],
];

/** What it was told of who asks; and of their credentials, whether any came: none does. */
function whoAmI({ who, request: { headers } }) {
  return { ...who, credentials: ['authorization', 'cookie'].filter((name) => name in headers) };
}

/** The body as it comes, never as a whole in memory: any size passes. */
async function upload({ documents, request, query }) {
  const { 'content-type': type = 'application/octet-stream' } = request.headers;
  const document = documents.begin(query.get('file_name') ?? 'unnamed', type);
  const hash = createHash('sha256');
  let size = 0;
  let told = 0;
  try {
    for await (const chunk of request) {
      hash.update(chunk);
      size += chunk.length;
      if (size - told < TOLD_BYTES) continue;
      told = size;
      documents.tell(document, { received: size });
    }
  } catch {
    documents.remove(document); // the client went away: there is nobody to answer
    return undefined;
  }
  documents.process(document, size);
  return [201, { document_id: document.document_id, status: document.status, sha256: hash.digest('hex'), size }];
}

function list({ documents, query }) {
  const [limit, offset] = [number(query, 'limit', 20, 100), number(query, 'offset', 0, 1_000_000)];
  return documents
    .all()
    .slice(offset, offset + limit)
    .map(publicView);
}

function retry({ documents, id }) {
  const document = documents.find(id);
  if (document.status !== 'error') throw refusal(409, 'only documents in the state "error" are tried again');
  documents.process(document, document.size, { again: true });
  const message = 'Reintento de ingesta encolado correctamente.';
  return [202, { document_id: id, task_id: randomUUID(), status: document.status, message }];
}

function number(query, name, otherwise, max) {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (!/^\d{1,7}$/.test(text) || Number(text) > max) throw refusal(422, `${name} must be a number up to ${max}`);
  return Number(text);
}

const refusal = (status, message) => Object.assign(new Error(message), { status });

/** Who asks. Nothing that a client sends under these names gets past the gateway; without it, nobody is anybody. */
function whoAsks({ headers }) {
  const who = {
    user_id: headers['x-user-id'],
    company_id: headers['x-company-id'],
    // Headers are bytes: of UTF-8, which Node reads as Latin-1.
    email: Buffer.from(headers['x-user-email'] ?? '', 'latin1').toString(),
    roles: headers['x-user-roles']?.split(',') ?? [],
    request_id: headers['x-request-id'],
  };
  if (!who.user_id || !who.company_id) throw refusal(401, 'this service is reached through the gateway');
  return who;
}

async function answer(request, response) {
  const [pathname = '', search = ''] = request.url.split('?', 2);
  const path = pathname.replace(/^(.*\/(?:status|retry))\/[^/]+$/, '$1/:id');
  const [, , handle] = routes.find(([method, one]) => method === request.method && one === path) ?? [];
  if (!handle) throw refusal(404, 'there is nothing here');
  const who = path === '/health' ? undefined : whoAsks(request);
  const [id, query] = [pathname.split('/').at(-1), new URLSearchParams(search)];
  const made = await handle({ request, response, query, who, id, documents: who && documentsOf(who.company_id) });
  if (made === undefined) return; // answered already, or nobody is there
  const [status, body] = Array.isArray(made) && typeof made[0] === 'number' ? made : [200, made];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(request, response, { status = 500, message }) {
  if (status === 500) console.error(`${request.headers['x-request-id'] ?? '-'}: ${message}`);
  const body = { title: status === 500 ? 'Something failed' : message, status };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => fail(request, response, error));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`ingest is at http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
