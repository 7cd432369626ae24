import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, type CreatedToken, tokenServiceContract, type ValidToken } from '@puerta/contracts';
import { type BusClient, ServiceClient } from '@puerta/messaging';
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
    const { token }: CreatedToken = await this.tokens.request('single-use-tokens.issue', { ttl_seconds: 600, payload: 'once' }, { actor });
    return token;
  }

  /** `ok`, or the code of the refusal; asked again, as the same use, by who was told neither. */
  async redeem(token: string): Promise<string> {
    const call = { actor, idempotencyKey: randomUUID(), ttlMs: TTL_MS };
    for (;;) {
      const code = await this.tokens.request('single-use-tokens.redeem', { token }, call).then(
        ({ payload }: ValidToken) => (payload === 'once' ? 'ok' : 'another payload'),
        (error: { code?: string; message: string }) => error.code ?? error.message,
      );
      if (!isUnsettled(code)) return code;
      this.repeats += 1;
      await sleep(PAUSE_MS);
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
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
