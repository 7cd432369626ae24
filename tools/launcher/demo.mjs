// @ts-check
/**
 * The demo company, made once, as a user would: through the public HTTP API. Each step leaves what the next start needs to
 * go on from there: passwords are written down before they are used, and creations carry an Idempotency-Key.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { readJson, writeJson } from './data-folder.mjs';

/** In the data folder, for its owner's eyes only. */
export const DEMO_FILE = 'demo.json';

const COMPANY = 'Universidad Demo';
const HOLDER = { name: 'María Fernanda Ríos', title: 'Estudiante', unit: 'Facultad de Ingeniería' };

/**
 * @typedef {object} DemoFile what is kept in the data folder
 * @property {string} email
 * @property {string} password
 * @property {string} key of idempotency
 * @property {string} [company_id]
 * @property {string} [card_id]
 */

/**
 * @typedef {object} Demo
 * @property {string} email
 * @property {string} password
 * @property {string} number
 * @property {string} scanUrl
 */

/**
 * @param {string} folder the data folder
 * @param {string} gatewayUrl
 * @returns {Promise<Demo | undefined>} undefined when the account no longer lets us in: whoever changed it knows why
 * @throws when the API answers what it should not
 */
export async function ensureDemo(folder, gatewayUrl) {
  const file = join(folder, DEMO_FILE);
  const demo = /** @type {DemoFile | undefined} */ (readJson(file)) ?? newDemo();
  if (!demo.company_id) writeJson(file, demo);
  const api = apiAt(`${gatewayUrl}/api/v1`);

  const login = demo.company_id
    ? await api.send('/users/login', [200, 401], { email: demo.email, password: demo.password })
    : await registerOrLogin(api, demo);
  if (login.status === 401) return undefined;
  api.token = String(login.body['access_token']);

  if (!demo.company_id) {
    const company = await api.send('/companies', [201], { name: COMPANY, locale: 'es' }, `${demo.key}-company`);
    demo.company_id = String(company.body['company_id']);
    writeJson(file, demo);
  }
  const member = await api.send('/users/me/ensure-company', [200, 403, 404], { company_id: demo.company_id });
  if (member.status !== 200) return undefined;
  api.token = String(member.body['new_access_token']);

  if (!demo.card_id) {
    const issued = await api.send('/cards', [201], { holder: HOLDER }, `${demo.key}-card`);
    demo.card_id = String(issued.body['card_id']);
    writeJson(file, demo);
  }
  const card = await api.send(`/cards/${demo.card_id}`, [200, 403, 404]);
  if (card.status !== 200) return undefined;
  return {
    email: demo.email,
    password: demo.password,
    number: String(card.body['number']),
    scanUrl: String(card.body['scan_url']),
  };
}

/** @returns {DemoFile} */
function newDemo() {
  return {
    // Its own for each installation, as several may share a database.
    email: `admin-${randomBytes(3).toString('hex')}@demo.example`,
    password: randomBytes(12).toString('base64url'),
    key: randomUUID(),
  };
}

/** @param {ReturnType<typeof apiAt>} api @param {DemoFile} demo */
async function registerOrLogin(api, { email, password }) {
  const registered = await api.send('/users/register', [201, 409], {
    name: 'Administración',
    email,
    password,
    locale: 'es',
  });
  return registered.status === 201 ? registered : api.send('/users/login', [200, 401], { email, password });
}

/**
 * @param {string} baseUrl
 * @returns sends as whoever `token` names
 */
function apiAt(baseUrl) {
  return {
    token: '',
    /**
     * @param {string} path
     * @param {number[]} expected statuses; any other is a failure
     * @param {object} [body] without one it is a GET
     * @param {string} [idempotencyKey]
     * @returns {Promise<{ status: number, body: Record<string, unknown> }>}
     */
    async send(path, expected, body, idempotencyKey) {
      const response = await fetch(baseUrl + path, {
        method: body ? 'POST' : 'GET',
        headers: {
          ...(body && { 'Content-Type': 'application/json' }),
          ...(this.token && { Authorization: `Bearer ${this.token}` }),
          ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
        },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      const answer = /** @type {Record<string, unknown>} */ (await response.json());
      if (expected.includes(response.status)) return { status: response.status, body: answer };
      throw new Error(`${path} answered ${response.status} ${answer['code'] ?? ''}: ${answer['detail'] ?? ''}`);
    },
  };
}
