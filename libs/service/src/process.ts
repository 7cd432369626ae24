import { type commonConfig, type ConfigDefinition, ConfigError, type ConfigOf, loadConfig } from '@puerta/config';
import {
  createLogger,
  InternalServer,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  Metrics,
  otlpExporter,
  type ReadinessChecks,
  type SpanExporter,
} from '@puerta/observability';

/** EX_CONFIG of sysexits(3): what supervises us need not start us again before somebody changed the configuration. */
export const EXIT_CONFIG = 78;
const EXIT_FAILURE = 1;
/**
 * Longer than the bus drains (10 s), and the gateway waits (10 s at most) and drains (10 s); shorter than what orchestrators give a
 * process to end (30 s in Kubernetes).
 */
const STOP_TIMEOUT_MS = 25_000;

/** The configuration of an app: at least what all of them read. */
export type AppConfigDefinition = ConfigDefinition<typeof commonConfig>;

/** What a process of ours has, whatever it serves. */
export interface Runtime<D extends AppConfigDefinition = AppConfigDefinition> {
  /** The name of the app. */
  readonly name: string;
  readonly config: ConfigOf<D>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly internal: InternalServer;
  /** Where spans go, if anywhere. */
  readonly spans?: SpanExporter | undefined;
}

/** What was started. */
export interface Running {
  readonly checks: ReadinessChecks;
  /** Finishes what was begun and lets go of everything. */
  stop(): Promise<void>;
}

export interface ProcessOptions<D extends AppConfigDefinition> {
  readonly config: D;
  /** Fields of the call that is being served. */
  readonly logContext?: LoggerOptions['context'];
  /** Default: `LOG_LEVEL`. */
  readonly logLevel?: (config: ConfigOf<D>) => LogLevel;
  /** Starts what the process is for; ready when it resolves. */
  start(runtime: Runtime<D>): Promise<Running>;
}

/**
 * The life of a process: configuration (78 when it is wrong), log, internal server, what it is for, and an orderly end
 * on SIGTERM, SIGINT or (where asked for) the end of standard input. Whatever nobody caught is logged and ends it.
 */
export async function runProcess<D extends AppConfigDefinition>(options: ProcessOptions<D>): Promise<void> {
  const config = loadOrExit(options.config);
  const name = options.config.app;
  const common: ConfigOf<AppConfigDefinition> = config;
  const logger = createLogger({
    name,
    level: options.logLevel?.(config) ?? common.LOG_LEVEL,
    ...(options.logContext && { context: options.logContext }),
  });
  dieOfTheUnexpected(logger);

  const metrics = new Metrics(name);
  const internal = new InternalServer({
    service: name,
    host: common.INTERNAL_HOST,
    port: common.INTERNAL_PORT,
    metrics,
    logger,
  });
  const shutdown = new Shutdown(logger, internal);
  shutdown.onSignals();
  if (common.PUERTA_EXIT_WITH_PARENT) shutdown.withParent();

  try {
    await internal.start();
    const endpoint = common.OTEL_EXPORTER_OTLP_ENDPOINT;
    const spans = endpoint === undefined ? undefined : await otlpExporter(endpoint, name);
    const running = await options.start({ name, config, logger, metrics, internal, spans });
    shutdown.running = running;
    shutdown.spans = spans;
    internal.serving(running.checks);
    logger.info('started', { environment: common.NODE_ENV });
  } catch (error) {
    logger.fatal(`cannot start: ${bootMessage(error)}`, { error });
    // Some of the configuration can be judged only against what is stored, e.g. whether a key opens it.
    process.exit(error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILURE);
  }
}

/** Reads the configuration, or says everything that is wrong with it and ends the process. */
export function loadOrExit<D extends ConfigDefinition>(definition: D): ConfigOf<D> {
  try {
    return loadConfig(definition);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

/** While a process boots it has seen nobody's data, and whoever starts it needs to know what is wrong. */
export function bootMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Once something went wrong that nobody foresaw, the state of the process is unknown. */
export function dieOfTheUnexpected(logger: Logger): void {
  const die =
    (message: string) =>
    (error: unknown): void => {
      logger.fatal(message, { error });
      process.exit(EXIT_FAILURE);
    };
  process.on('unhandledRejection', die('a promise was rejected and nobody listened'));
  process.on('uncaughtException', die('an error was thrown and nobody caught it'));
}

/** Graceful shutdown of a process, at most once: what runs is finished, within a time. */
class Shutdown {
  running: Running | undefined;
  spans: SpanExporter | undefined;
  #begun = false;

  constructor(
    private readonly logger: Logger,
    private readonly internal: InternalServer,
  ) {}

  onSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.end(signal));
  }

  /** Whoever started us holds the other end of our standard input; when it dies, however it dies, the input ends. */
  withParent(): void {
    for (const event of ['end', 'close', 'error'] as const) process.stdin.on(event, () => void this.end('stdin ended'));
    process.stdin.resume();
  }

  private async end(reason: string): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    this.logger.info('stopping', { reason });
    this.internal.stopping();
    setTimeout(() => {
      this.logger.error('could not stop in time', { duration_ms: STOP_TIMEOUT_MS });
      process.exit(EXIT_FAILURE);
    }, STOP_TIMEOUT_MS);
    try {
      // Nothing to finish when it has not begun to serve yet.
      await this.running?.stop();
      await this.spans?.stop();
      await this.internal.stop();
      this.logger.info('stopped');
      process.exit(0);
    } catch (error) {
      this.logger.error('stopping failed', { error });
      process.exit(EXIT_FAILURE);
    }
  }
}
