import { randomBytes, randomUUID } from 'node:crypto';
import { loadConfig } from '@puerta/config';
import type {
  ActivityRecord,
  Actor,
  CreatedToken,
  CreateTokenDto,
  PresentTokenDto,
  ValidToken,
} from '@puerta/contracts';
import { silentLogger, type Logger } from '@puerta/observability';
import type { Call } from '@puerta/service';
import { testRedisUrl } from '@puerta/testing';
import type { DataSource } from 'typeorm';
import { tokenServiceConfig } from '../src/config';
import { SecondUses } from '../src/single-use/second-uses';
import { TokenIssuer } from '../src/single-use/token-issuer';
import { TokenKeys } from '../src/single-use/token-key';
import { TokenRedeemer } from '../src/single-use/token-redeemer';
import { TokenRedis } from '../src/single-use/token-redis';

/** A secret of the ring, as an operator makes one. */
export const newSecret = (): string => randomBytes(32).toString('base64');

export function somebody(company_id: string | null = randomUUID()): Actor {
  const role = company_id === null ? null : 'member';
  return { user_id: randomUUID(), session_id: randomUUID(), email: 'ana@example.com', company_id, role };
}

/** A call as the gateway makes it: a message of its own. */
export function callOf(actor: Actor, idempotencyKey?: string): Call {
  return { caller: 'gateway', pattern: 'single-use-tokens', actor, messageId: randomUUID(), idempotencyKey };
}

/** A call as another service makes it. */
export function callBy(caller: string): Call {
  return { caller, pattern: 'single-use-tokens', actor: undefined, messageId: randomUUID(), idempotencyKey: undefined };
}

/** `ok`, or the code of the error. */
export async function codeOf(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => 'ok',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}

export async function refusalOf(
  answer: Promise<unknown>,
): Promise<{ code: string; extra: { meta?: Record<string, unknown>; errors?: object[] } }> {
  const error = await answer.then(
    () => new Error('it was answered'),
    (reason: unknown) => reason,
  );
  return error as { code: string; extra: { meta?: Record<string, unknown> } };
}

export interface TokensOptions {
  readonly redis?: string;
  readonly env?: Record<string, string>;
  readonly logger?: Logger;
}

/** What the service does with single-use tokens, by as many replicas as one likes, without the bus. */
export class Tokens {
  readonly prefix = `t-${randomUUID().slice(0, 8)}`;
  /** Second uses that were recorded. */
  readonly recorded: ActivityRecord[] = [];
  /** What the database does when one is recorded. */
  onRecord: (write: () => void) => Promise<void> = async (write) => write();
  readonly #open: TokenRedis[] = [];
  readonly ring = `k1:${newSecret()}`;

  constructor(private readonly options: TokensOptions = {}) {}

  async replica(env: Record<string, string> = {}): Promise<TokensReplica> {
    const url = this.options.redis ?? testRedisUrl();
    const config = loadConfig(tokenServiceConfig, {
      NODE_ENV: 'test',
      REDIS_URL: url,
      BUS_SECRET: `b1:${newSecret()}`,
      TOKEN_SERVICE_DATABASE_URL: 'postgres://localhost/none',
      TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: this.ring,
      PUBLIC_URL: 'https://puerta.example.com',
      ...this.options.env,
      ...env,
    });
    const logger = this.options.logger ?? silentLogger;
    const redis = new TokenRedis({ url: config.TOKEN_SERVICE_REDIS_URL, prefix: this.prefix, logger });
    this.#open.push(redis);
    await redis.onModuleInit();
    const manager = {
      query: (_statement: string, [, [data]]: [type: string, data: [string]]) =>
        this.onRecord(() => void this.recorded.push(JSON.parse(data) as ActivityRecord)),
    };
    const secondUses = new SecondUses({ manager } as unknown as DataSource);
    const keys = new TokenKeys(config.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS);
    const issuer = new TokenIssuer(redis, keys, config);
    return new TokensReplica(issuer, new TokenRedeemer(redis, keys, secondUses, config, logger), redis);
  }

  async close(): Promise<void> {
    for (const redis of this.#open.splice(0)) redis.onModuleDestroy();
  }
}

export class TokensReplica {
  constructor(
    private readonly issuer: TokenIssuer,
    private readonly redeemer: TokenRedeemer,
    readonly redis: TokenRedis,
  ) {}

  issue(call: Call, dto: CreateTokenDto = {}): Promise<CreatedToken> {
    return this.issuer.issue(dto, call);
  }

  redeem(call: Call, token: string | PresentTokenDto): Promise<ValidToken> {
    return this.redeemer.present(typeof token === 'string' ? { token } : token, call, 'redeem');
  }

  peek(call: Call, token: string | PresentTokenDto): Promise<ValidToken> {
    return this.redeemer.present(typeof token === 'string' ? { token } : token, call, 'peek');
  }

  revoke(call: Call, tokenId: string): Promise<void> {
    return this.redeemer.revoke(tokenId, call);
  }
}
