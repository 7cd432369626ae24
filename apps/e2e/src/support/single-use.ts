import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, type CreatedToken, tokenServiceContract, type ValidToken } from '@puerta/contracts';
import { type BusClient, type CallOptions, ServiceClient } from '@puerta/messaging';
import type { Puerta } from '@puerta/testing';
import { askAs } from './bus';

/** Calls that are made by the thousand at once are not all answered at once. */
const TTL_MS = 60_000;
/** Between two attempts of one who was not told what became of the first. */
const PAUSE_MS = 200;

const actor: Actor = {
  user_id: randomUUID(),
  session_id: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
  role: 'member',
};

/** Makes and validates tokens over the bus, as the gateway does. */
export class TokensOverBus {
  private readonly tokens: ServiceClient<typeof tokenServiceContract>;
  /** How often somebody had to ask again. */
  repeats = 0;

  private constructor(private readonly client: BusClient) {
    this.tokens = new ServiceClient(client, tokenServiceContract);
  }

  static async open(puerta: Puerta): Promise<TokensOverBus> {
    return new TokensOverBus(await askAs('gateway', puerta));
  }

  async issue(): Promise<string> {
    const dto = { ttl_seconds: 600, payload: 'once' };
    const answer: CreatedToken = await this.settled((call) =>
      this.tokens.request('single-use-tokens.issue', dto, call),
    );
    return answer.token;
  }

  /** `ok`, or the code of the refusal. */
  redeem(token: string): Promise<string> {
    return this.settled((call) => this.tokens.request('single-use-tokens.redeem', { token }, call)).then(
      ({ payload }: ValidToken) => (payload === 'once' ? 'ok' : 'another payload'),
      codeOf,
    );
  }

  /** Asks again, under the same key, until it is known what became of it. */
  private async settled<T>(ask: (call: CallOptions) => Promise<T>): Promise<T> {
    const call = { actor, idempotencyKey: randomUUID(), ttlMs: TTL_MS };
    for (;;) {
      try {
        return await ask(call);
      } catch (error) {
        if (!isUnsettled(codeOf(error))) throw error;
        this.repeats += 1;
        await sleep(PAUSE_MS);
      }
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code ?? message;
}

/** Whether a token may have been used or not, as far as this answer tells. */
export function isUnsettled(code: string): boolean {
  return ['outcome_unknown', 'service_unavailable', 'auth_unavailable', 'overloaded'].includes(code);
}

/** As often as each code came. */
export function count(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
