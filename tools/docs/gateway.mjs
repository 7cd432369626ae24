// @ts-check
/** docs/openapi.json and docs/routes.md: the gateway describes itself, without being started. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { built } from '../embedded/built.mjs';
import { code, DO_NOT_EDIT, table } from './markdown.mjs';

/** Enough to put the gateway together. Nothing is connected to: no module is initialised, no bucket looked at. */
const ENVIRONMENT = {
  NODE_ENV: 'development',
  REDIS_URL: 'redis://localhost',
  BUS_SECRET: `none:${'.'.repeat(32)}`,
  PUBLIC_URL: 'http://localhost:8080',
  STORAGE_URL: 's3://none?region=none',
  STORAGE_S3_ACCESS_KEY_ID: 'none',
  STORAGE_S3_SECRET_ACCESS_KEY: 'none',
};

/** @typedef {{ method: string, pattern: string, requirement: { guard: string, leastRole?: string } }} Route */

/** @returns {Promise<{ document: any, routes: readonly Route[] }>} */
export async function describeGateway() {
  const { AppModule } = built('apps/gateway/src/app.module');
  const { gatewayConfig } = built('apps/gateway/src/config');
  const { OpenApi } = built('apps/gateway/src/docs/open-api');
  const { Routes } = built('apps/gateway/src/routes/routes');
  const { loadConfig } = built('libs/config/src/index');
  const { Metrics, silentLogger } = built('libs/observability/src/index');

  const runtime = {
    name: 'gateway',
    config: loadConfig(gatewayConfig, ENVIRONMENT),
    logger: silentLogger,
    metrics: new Metrics('gateway'),
    internal: {},
  };
  const quiet = { logger: /** @type {const} */ (false), abortOnError: false };
  const app = await NestFactory.create(AppModule.forRoot(runtime), new FastifyAdapter(), quiet);
  const [openApi, routes] = [app.get(OpenApi), app.get(Routes)];
  routes.onModuleInit();
  openApi.describe(app);
  return { document: openApi.document, routes: routes.all };
}

/**
 * @param {any} document
 * @param {readonly Route[]} routes
 */
export function routesPage(document, routes) {
  const rows = routes.flatMap(({ method, pattern, requirement }) => {
    const path = pattern.replace(/:(\w+)/g, '{$1}');
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (!operation) return [];
    return [{ tag: operation.tags[0], cells: [`${method} ${code(path)}`, whoMay(requirement), operation.summary] }];
  });
  const tags = [...new Set(rows.map(({ tag }) => tag))];
  const sections = tags.map((tag) => {
    const cells = rows.filter((row) => row.tag === tag).map((row) => row.cells);
    return `## ${tag}\n\n${table(['Route', 'Who', 'What'], cells)}\n`;
  });
  return `${DO_NOT_EDIT}

# Routes

Bodies, answers and the errors of each route are in [openapi.json](openapi.json), which a running gateway shows at
\`/docs\`. A role includes all before it: member < door < issuer < admin < owner. How errors, idempotency, pages and
limits work is in [the guide](api.md).

${sections.join('\n')}`;
}

/** @param {Route['requirement']} requirement */
function whoMay({ guard, leastRole }) {
  switch (guard) {
    case 'public':
      return 'anybody';
    case 'optional':
      return 'anybody, with or without a token';
    case 'initial':
      return 'a user (`InitialAuth`)';
    case 'strict':
      return leastRole === 'member' ? 'a member (`StrictAuth`)' : `${leastRole} or more (\`StrictAuth\`)`;
    case 'scan':
      return 'the bearer of a scan pass';
    default:
      throw new Error(`a route asks for "${guard}", which docs/routes.md has no word for`);
  }
}
