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
  const api = new Api(`${gatewayUrl}/api/v1`);

  const login = demo.company_id
    ? await api.post('/users/login', { email: demo.email, password: demo.password }, [200, 401])
    : await registerOrLogin(api, demo);
  if (login.status === 401) return undefined;
  api.token = String(login.body['access_token']);

  if (!demo.company_id) {
    const company = await api.post('/companies', { name: COMPANY, locale: 'es' }, [201], `${demo.key}-company`);
    demo.company_id = String(company.body['company_id']);
    writeJson(file, demo);
  }
  const member = await api.post('/users/me/ensure-company', { company_id: demo.company_id }, [200, 403, 404]);
  if (member.status !== 200) return undefined;
  api.token = String(member.body['new_access_token']);

  if (!demo.card_id) {
    const issued = await api.post('/cards', { holder: HOLDER }, [201], `${demo.key}-card`);
    demo.card_id = String(issued.body['card_id']);
    writeJson(file, demo);
  }
  const card = await api.get(`/cards/${demo.card_id}`, [200, 403, 404]);
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

/**
 * @param {Api} api
 * @param {DemoFile} demo
 */
async function registerOrLogin(api, { email, password }) {
  const registered = await api.post('/users/register', { name: 'Administración', email, password, locale: 'es' }, [201, 409]);
  return registered.status === 201 ? registered : api.post('/users/login', { email, password }, [200, 401]);
}

class Api {
  /** @type {string | undefined} */
  token;

  /** @param {string} baseUrl */
  constructor(baseUrl) {
    this.baseUrl = baseUrl;
  }

  /**
   * @param {string} path
   * @param {number[]} expected
   */
  get(path, expected) {
    return this.#send('GET', path, expected);
  }

  /**
   * @param {string} path
   * @param {unknown} body
   * @param {number[]} expected
   * @param {string} [idempotencyKey]
   */
  post(path, body, expected, idempotencyKey) {
    return this.#send('POST', path, expected, body, idempotencyKey);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {number[]} expected statuses; any other is a failure
   * @param {unknown} [body]
   * @param {string} [idempotencyKey]
   * @returns {Promise<{ status: number, body: Record<string, unknown> }>}
   */
  async #send(method, path, expected, body, idempotencyKey) {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
        ...(idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = /** @type {Record<string, unknown>} */ (await response.json());
    if (!expected.includes(response.status)) {
      throw new Error(`${method} ${path} answered ${response.status} ${answer['code'] ?? ''}: ${answer['detail'] ?? ''}`);
    }
    return { status: response.status, body: answer };
  }
}
