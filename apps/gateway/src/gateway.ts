import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Authenticator } from '@puerta/auth';
import { contracts } from '@puerta/contracts';
import { BusClient } from '@puerta/messaging';
import { nestLogger } from '@puerta/observability';
import type { Running, Runtime } from '@puerta/service/runtime';
import { storageOrigin } from '@puerta/storage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppModule, CONTROLLERS } from './app.module';
import { allowedOrigins, type gatewayConfig } from './config';
import { OpenApi } from './docs/open-api';
import { recordRequest } from './http/access-log';
import { createAdapter } from './http/adapter';
import { installEdge } from './http/edge';
import { createProxy } from './proxy/create-proxy';
import { mayUpgrade } from './proxy/proxy';
import type { ProxyRoute } from './routes/proxy-route';
import { readRoutes, requireApart } from './proxy/route-file/read-routes';
import { Routes, routesOf } from './routes/routes';
import { securityHeaders } from './http/security-headers';
import { ValidationPipe } from './http/validation.pipe';
import { RedisLimiter } from './limits/redis-limiter';
import { RequestLimits } from './limits/request-limits';
import { ProblemFilter } from './problems/problem.filter';
import { ProblemWriter } from './problems/problem-writer';

/**
 * Clients under load and proxies send again within a second, mostly. No call over the bus takes 10 s; who has not sent a
 * request or taken an answer by then is cut off.
 */
const DRAIN = { idleMs: 1_000, limitMs: 10_000 };

export interface Gateway extends Running {
  readonly app: NestFastifyApplication;
  /** Where it listens. */
  readonly url: string;
}

/** Starts the gateway: for `main.ts`, and for tests, which bring a runtime of their own. */
export async function startGateway(
  runtime: Runtime<typeof gatewayConfig>,
  proxyRoutes: readonly ProxyRoute[] = readRoutes(runtime.config, routesOf(CONTROLLERS)),
): Promise<Gateway> {
  const { config, logger, metrics, spans } = runtime;
  const pictures = [storageOrigin(config.STORAGE_URL, config.PUBLIC_URL)];
  const headers = securityHeaders({ overTls: config.PUBLIC_URL.startsWith('https:'), pictures });
  const problems = new ProblemWriter({ publicUrl: config.PUBLIC_URL, securityHeaders: headers, logger });
  const record = (request: FastifyRequest, reply: FastifyReply): void =>
    recordRequest(request, reply, { logger, metrics, spans });
  const { adapter, http } = createAdapter({
    problems,
    trustedProxies: config.GATEWAY_TRUSTED_PROXIES,
    upgrades: (request) => mayUpgrade(request, proxyRoutes),
    record,
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(runtime), adapter, {
    logger: nestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(problems));
  app.useGlobalPipes(new ValidationPipe());
  app.get(OpenApi).describe(app);

  const limiter = app.get(RedisLimiter);
  const authenticator = app.get(Authenticator);
  installEdge(adapter, {
    securityHeaders: headers,
    record,
    origins: allowedOrigins(config),
    routes: app.get(Routes),
    authenticator,
    limits: config.GATEWAY_RATE_LIMIT
      ? new RequestLimits(limiter, {
          perAddress: config.GATEWAY_RATE_LIMIT_PER_ADDRESS,
          perUser: config.GATEWAY_RATE_LIMIT_PER_USER,
          perCompany: config.GATEWAY_RATE_LIMIT_PER_COMPANY,
        })
      : undefined,
  });
  const proxy = createProxy(app, {
    config,
    metrics,
    problems,
    record,
    routes: proxyRoutes,
    securityHeaders: headers.api,
  });
  proxy.install(adapter.getInstance());
  metrics.counts('puerta_auth_cache_total', 'Look-ups in the caches of the guards', ['cache', 'outcome'], () =>
    Object.entries(authenticator.cacheCounts).flatMap(([cache, { hits, misses }]) => [
      [{ cache, outcome: 'hit' }, hits] as const,
      [{ cache, outcome: 'miss' }, misses] as const,
    ]),
  );
  try {
    await app.init();
    const routes = app.get(Routes);
    requireApart(proxyRoutes, routes.all);
    routes.proxied = proxyRoutes;
    await app.listen(config.PORT, config.HOST);
  } catch (error) {
    await app.close();
    throw error;
  }
  // For a while no connection can be accepted, e.g. because the machine has no file descriptors left.
  adapter.getInstance().server.on('error', (error) => logger.error('took no connection', { error }));

  const bus = app.get(BusClient);
  const presence = Object.keys(contracts).map((name) => [name, async () => (await bus.presence(name)) > 0] as const);
  return {
    app,
    url: adapter.getInstance().listeningOrigin,
    checks: { redis: () => limiter.isReachable(), ...Object.fromEntries(presence) },
    stop: async () => {
      // Not ready it is already. Whoever is sent here until that is noticed is served.
      await sleep(config.GATEWAY_SHUTDOWN_DELAY * 1_000);
      proxy.endLive();
      // No new connections, and what was begun is finished, before Nest takes the bus away from under it.
      await http.drain(DRAIN);
      proxy.close();
      await app.close();
    },
  };
}
