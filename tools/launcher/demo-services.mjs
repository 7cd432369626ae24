// @ts-check
/** The services behind the gateway that `npm start` brings, those of `examples/`: so that a proxied call has somewhere to go. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeWhole } from '../embedded/files.mjs';
import { freePort } from '../embedded/process.mjs';
import { startProcess } from '../embedded/services.mjs';
import { WORKSPACE } from './workspace.mjs';

/**
 * What is started, each unless one of these variables says where the user's own service is.
 *
 * @type {Record<string, { unless: string[], packages: string[] }>}
 */
const SERVICES = {
  ingest: { unless: ['GATEWAY_INGEST_SERVICE_URL', 'GATEWAY_ROUTES_FILE'], packages: [] },
  query: { unless: ['GATEWAY_QUERY_SERVICE_URL', 'GATEWAY_ROUTES_FILE'], packages: ['jose', 'ws'] },
};

/** The query service wants proof of who asks, which no variable can say. */
const ROUTES = join(WORKSPACE, 'examples/routes.demo.yaml');
const ROUTES_TARGET = 'http://127.0.0.1:8002';

const END_WITH_PARENT = pathToFileURL(join(WORKSPACE, 'tools/launcher/end-with-parent.mjs')).href;

/**
 * @typedef {object} DemoServices
 * @property {{ name: string, url: string }[]} running
 * @property {Record<string, string>} gateway what the gateway's environment says of them
 * @property {string[]} lacking packages for want of which some are not started
 */

/**
 * Finds a port for each, and writes down for the gateway where they are.
 *
 * @param {NodeJS.ProcessEnv} env of the user
 * @param {string} data the data folder
 * @param {string} [workspace] where packages are
 * @returns {Promise<DemoServices>}
 */
export async function planDemoServices(env, data, workspace = WORKSPACE) {
  const isSet = (/** @type {string} */ name) => Boolean(env[name] || env[`${name}_FILE`]);
  const lacks = (/** @type {string} */ name) => !existsSync(join(workspace, 'node_modules', name));
  const wanted = Object.entries(SERVICES).filter(([, { unless }]) => !unless.some(isSet));
  const able = wanted.filter(([, { packages }]) => !packages.some(lacks));
  const running = await Promise.all(
    able.map(async ([name]) => ({ name, url: `http://127.0.0.1:${await freePort()}` })),
  );
  const urlOf = (/** @type {string} */ name) => running.find((one) => one.name === name)?.url;
  const [ingest, query] = [urlOf('ingest'), urlOf('query')];
  const routes = join(data, 'routes.demo.yaml');
  if (query) writeWhole(routes, readFileSync(ROUTES, 'utf8').replace(ROUTES_TARGET, query));
  return {
    running,
    gateway: {
      ...(ingest && { GATEWAY_INGEST_SERVICE_URL: ingest }),
      ...(query && { GATEWAY_ROUTES_FILE: routes }),
    },
    lacking: wanted.flatMap(([, { packages }]) => packages.filter(lacks)),
  };
}

/**
 * @param {{ name: string, url: string }} service
 * @param {{ publicUrl: string, gatewayUrl: string, log: (chunk: Buffer) => void }} options
 */
export function startDemoService({ name, url }, { publicUrl, gatewayUrl, log }) {
  return startProcess({
    name,
    // Only to be started is different here: the services are as their teams would have written them.
    args: ['--import', END_WITH_PARENT, join(WORKSPACE, 'examples', name, 'main.mjs')],
    cwd: WORKSPACE,
    env: {
      PATH: process.env['PATH'],
      PORT: new URL(url).port,
      ASSERTION_ISSUER: publicUrl,
      ASSERTION_KEYS_URL: `${gatewayUrl}/.well-known/assertion-jwks.json`,
    },
    health: `${url}/health`,
    log,
  });
}
