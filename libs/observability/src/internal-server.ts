import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpFault, httpFaultOf } from './http-faults';
import { HttpServer } from './http-server';
import type { Logger } from './logger';
import type { Metrics } from './metrics';

/** True or nothing when the thing is ready; false or a throw when it is not. */
export type ReadinessCheck = () => Promise<boolean | void> | boolean | void;

export interface InternalServerOptions {
  readonly service: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** By the name under which a missing thing is reported, e.g. `postgres`. */
export type ReadinessChecks = Readonly<Record<string, ReadinessCheck>>;

const CHECK_TIMEOUT_MS = 1_000;

/** Probes come on connections of their own; Prometheus asks every few seconds, so waiting for it would be in vain. */
const DRAIN = { idleMs: 0, limitMs: 2_000 };

const STATUS_OF_FAULTS: Readonly<Record<HttpFault, number>> = {
  bad_request: 400,
  transfer_coding_not_supported: 501,
  headers_too_large: 431,
  http_version_not_supported: 505,
};

/**
 * What operators and orchestrators ask a process, on a port of its own that is not public: `/health` (it runs),
 * `/health/ready` (it can serve, or the names of what is missing) and `/metrics`.
 */
export class InternalServer {
  readonly #options: InternalServerOptions;
  readonly #http: HttpServer;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #checks: ReadinessChecks = {};
  #lastNotReady = '';

  constructor(options: InternalServerOptions) {
    this.#options = options;
    this.#http = new HttpServer((request, response) => void this.#answer(request, response));
  }

  /** Listens; it answers "not ready" until `serving` is called. Rejects when the port is taken. */
  async start(): Promise<void> {
    const { host, port, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#http.server.once('error', reject).listen(port, host, resolve);
    });
    // For a while no connection can be accepted, e.g. because the machine has no file descriptors left.
    this.#http.server.on('error', (error) => logger.error('the internal server took no connection', { error }));
    logger.info('the internal server listens', { host, port: this.port });
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#http.server.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  /** From now on these checks decide whether it is ready. */
  serving(checks: ReadinessChecks): void {
    this.#checks = checks;
    this.#phase = 'serving';
  }

  /** From now on it is not ready, so that no new work is sent here. */
  stopping(): void {
    this.#phase = 'stopping';
  }

  async stop(): Promise<void> {
    await this.#http.drain(DRAIN);
  }

  /** The names of what is not ready, sorted; empty when it is. */
  async notReady(): Promise<string[]> {
    if (this.#phase !== 'serving') return [this.#phase];
    const names = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => ((await passes(check)) ? undefined : name)),
    );
    const missing = names.filter((name) => name !== undefined).sort();
    this.#tellChange(missing);
    return missing;
  }

  #tellChange(missing: string[]): void {
    const now = missing.join();
    if (now === this.#lastNotReady) return;
    this.#lastNotReady = now;
    if (now === '') this.#options.logger.info('ready again');
    else this.#options.logger.warn('not ready', { not_ready: missing });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = httpFaultOf(request);
    if (fault) return send(response, STATUS_OF_FAULTS[fault], { status: fault });
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { allow: 'GET, HEAD' });
    try {
      switch (request.url?.split('?')[0]) {
        case '/health':
          return send(response, 200, { status: 'healthy', service: this.#options.service });
        case '/health/ready': {
          const missing = await this.notReady();
          const ready = missing.length === 0;
          return send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not_ready', not_ready: missing });
        }
        case '/metrics': {
          const { registry } = this.#options.metrics;
          response.writeHead(200, { 'content-type': registry.contentType });
          response.end(await registry.metrics());
          return;
        }
        default:
          return send(response, 404, { status: 'not_found' });
      }
    } catch (error) {
      this.#options.logger.error('the internal server failed to answer', { error });
      response.destroy();
    }
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function passes(check: ReadinessCheck): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
    const answer = Promise.resolve().then(check);
    answer
      .then(
        (passed) => resolve(passed !== false),
        () => resolve(false),
      )
      .finally(() => clearTimeout(timer));
  });
}
