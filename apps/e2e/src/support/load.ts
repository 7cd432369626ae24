import type { Card } from '@puerta/contracts';
import type { Puerta } from '@puerta/testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { holder } from './people';

export const twoOfEach = { gateway: 2, identity: 2, 'card-issuer': 2, 'token-service': 2 } as const;

export interface LoadOptions {
  readonly commands: number;
  readonly callers: number;
  /** Ask again with the same Idempotency-Key until there is an answer; true unless told. */
  readonly retry?: boolean;
  /** Called after each answered command; not waited for until the end. */
  readonly onProgress?: (done: number) => Promise<void> | void;
}

export interface LoadResult {
  /** The card of each command that succeeded. */
  readonly cards: Card[];
  /** `status code` of each answer that was not a success. */
  readonly failures: string[];
  /** How long the slowest single request took. */
  readonly longestMs: number;
}

/** Issues cards through all gateways in turn, one Idempotency-Key a card. */
export async function issueMany(puerta: Puerta, token: string, options: LoadOptions): Promise<LoadResult> {
  const { commands, callers, retry = true, onProgress } = options;
  const cards: Card[] = [];
  const failures: string[] = [];
  const side: (Promise<void> | void)[] = [];
  let longestMs = 0;
  let next = 0;

  const issue = async (n: number): Promise<void> => {
    const headers = { 'idempotency-key': randomUUID() };
    for (let attempt = 0; attempt < 40; attempt++) {
      const started = performance.now();
      const gateway = (n + attempt) % puerta.replicas.gateway.length;
      const answer = await puerta
        .api(gateway)
        .post<Card & { code: string }>(
          '/cards',
          { holder: holder(`Luis ${n}`) },
          { token, headers, signal: AbortSignal.timeout(15_000) },
        )
        .catch((error: Error) => ({ status: 0, body: { code: error.message } as Card & { code: string } }));
      longestMs = Math.max(longestMs, performance.now() - started);
      if (answer.status === 201) {
        cards.push(answer.body);
        side.push(onProgress?.(cards.length));
        return;
      }
      failures.push(`${answer.status} ${answer.body.code}`);
      if (!retry) return;
      await sleep(100 * (attempt + 1));
    }
  };
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < commands) await issue(next++);
    }),
  );
  await Promise.all(side);
  return { cards, failures, longestMs };
}

/** How many messages of a pattern each replica of a service has answered, from its metrics. */
export function busCounts(
  puerta: Puerta,
  app: 'identity' | 'card-issuer' | 'token-service',
  pattern: string,
): Promise<number[]> {
  return Promise.all(
    puerta.replicas[app].map(async (replica) => {
      const { body } = await replica.internal.get<string>('/metrics');
      return body
        .split('\n')
        .filter(
          (line) =>
            line.startsWith('puerta_bus_handle_duration_seconds_count') && line.includes(`pattern="${pattern}"`),
        )
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    }),
  );
}
