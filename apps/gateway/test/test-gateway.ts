import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '@puerta/config';
import { type AccessFacts, contracts, type ServiceName } from '@puerta/contracts';
import { BusClient, type CallOptions, type Target } from '@puerta/messaging';
import { createLogger, InternalServer, Metrics } from '@puerta/observability';
import { callFields, decodeError } from '@puerta/service/runtime';
import { newKeyPair } from '@puerta/testing';
import { sign, type SignOptions } from 'jsonwebtoken';
import { gatewayConfig } from '../src/config';
import { type Gateway, startGateway } from '../src/gateway';
import type { ProxyRoute } from '../src/routes/proxy-route';

export const PUBLIC_URL = 'https://puerta.example.com';

/** What a service was asked. */
export interface Asked {
  readonly pattern: string;
  readonly data: Record<string, unknown>;
  readonly options: CallOptions | undefined;
}

/** Stands for a service: what it answers to a pattern, or throws. */
export type Fake = (data: Record<string, unknown>, options?: CallOptions) => unknown;

export interface TestGateway extends Gateway {
  /** What is answered to patterns; tests put their own in. */
  readonly fakes: Map<string, Fake>;
  /** Everything that was asked but for tokens' keys and facts. */
  readonly asked: Asked[];
  /** What is true of every user; tests change it. */
  facts: AccessFacts;
  /** How many replicas each service has. */
  readonly replicas: Map<ServiceName, number>;
  /** Every line of the log. */
  readonly lines: string[];
  readonly metrics: Metrics;
  readonly internal: InternalServer;
  /** As on SIGTERM. */
  shutdown(): Promise<void>;
  accessToken(claims?: object, options?: SignOptions): string;
  /** An access token by HS256. */
  sharedToken(secret: string, kid: string): string;
  scanPass(claims?: object, options?: SignOptions): string;
}

export const ACTOR = {
  user_id: randomUUID(),
  session_id: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
} as const;

/** The real gateway on a free port with the real Redis of the tests; behind the bus there are fakes. */
export async function startTestGateway(
  environ: Record<string, string> = {},
  proxyRoutes: readonly ProxyRoute[] = [],
): Promise<TestGateway> {
  const files = mkdtempSync(join(tmpdir(), 'puerta-gateway-'));
  const config = loadConfig(gatewayConfig, {
    NODE_ENV: 'development',
    PUBLIC_URL,
    HOST: '127.0.0.1',
    PORT: '0',
    REDIS_URL: process.env['PUERTA_TEST_REDIS_URL'],
    BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
    BUS_PREFIX: `gateway-${randomUUID().slice(0, 8)}`,
    STORAGE_URL: pathToFileURL(files).href,
    GATEWAY_RATE_LIMIT: 'off',
    GATEWAY_LOG_LEVEL: 'debug',
    ...environ,
  });
  const { privateKey, publicKey } = newKeyPair();
  const kid = 'test-key';
  const lines: string[] = [];
  const destination = new PassThrough();
  destination.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)));
  const logger = createLogger({
    name: 'gateway',
    level: config.GATEWAY_LOG_LEVEL,
    pretty: false,
    destination,
    context: callFields,
  });
  const metrics = new Metrics('gateway');
  const internal = new InternalServer({ service: 'gateway', host: '127.0.0.1', port: 0, metrics, logger });

  const asked: Asked[] = [];
  const replicas = new Map(Object.keys(contracts).map((name) => [name as ServiceName, 1]));
  const state = {
    facts: { user: 'active', session: 'active', email: ACTOR.email, role: 'owner' } as AccessFacts,
  };
  const fakes = new Map<string, Fake>([
    ['keys.public', () => ({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }] })],
    ['access.check', () => state.facts],
  ]);
  const answer = async ({ pattern }: Target, data: object, options?: CallOptions): Promise<unknown> => {
    if (!['keys.public', 'access.check'].includes(pattern))
      asked.push({ pattern, data: data as Asked['data'], options });
    const fake = fakes.get(pattern);
    if (!fake) throw decodeError({ code: 'service_unavailable' });
    return fake(data as Asked['data'], options);
  };
  // While it starts there is no other; later each gateway of a suite has its own client.
  const starting = [
    jest.spyOn(BusClient.prototype, 'connect').mockResolvedValue(),
    jest.spyOn(BusClient.prototype, 'call').mockImplementation(answer),
  ];
  let gateway: Gateway;
  try {
    gateway = await startGateway({ name: 'gateway', config, logger, metrics, internal }, proxyRoutes);
    const bus = gateway.app.get(BusClient);
    Object.assign(bus, { call: answer, presence: async (name: ServiceName) => replicas.get(name) ?? 0 });
  } catch (error) {
    await rm(files, { recursive: true, force: true });
    throw error;
  } finally {
    for (const spy of starting) spy.mockRestore();
  }
  internal.serving(gateway.checks);

  const common = (): SignOptions => ({ issuer: PUBLIC_URL, expiresIn: 60, jwtid: randomUUID() });
  const signed = (typ: string, claims: object, options: SignOptions): string =>
    sign(claims, privateKey, { ...common(), algorithm: 'ES256', header: { alg: 'ES256', typ, kid }, ...options });
  const accessClaims = { email: ACTOR.email, sid: ACTOR.session_id, company_id: ACTOR.company_id, roles: ['owner'] };
  const access = { subject: ACTOR.user_id, audience: 'puerta' };
  return Object.assign(state, gateway, {
    shutdown: gateway.stop,
    stop: async () => {
      // `fetch` keeps connections that no test uses again.
      gateway.app.getHttpServer().closeIdleConnections();
      await gateway.stop();
      await rm(files, { recursive: true, force: true });
    },
    fakes,
    asked,
    replicas,
    lines,
    metrics,
    internal,
    accessToken: (claims: object = {}, options: SignOptions = {}) =>
      signed('at+jwt', { ...accessClaims, ...claims }, { ...access, ...options }),
    sharedToken: (secret: string, ofSecret: string) =>
      sign(accessClaims, secret, { ...common(), ...access, header: { alg: 'HS256', typ: 'at+jwt', kid: ofSecret } }),
    scanPass: (claims: object = {}, options: SignOptions = {}) =>
      signed('scan+jwt', claims, { subject: randomUUID(), audience: 'card-profile', ...options }),
  });
}
