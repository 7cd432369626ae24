import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type PresentTokenDto, SINGLE_USE_CODE, type ValidToken } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import type { Logger } from '@puerta/observability';
import { type Call, InjectConfig, InjectLogger } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { consumerOf, makerOf, ownerOf } from './caller';
import { guessNames, GUESSES_MS, makerName, MOST_GUESSES, MOST_GUESSES_TOGETHER, tooManyGuesses } from './guesses';
import { bindingOf, type Facts } from './sealed-facts';
import { SecondUses } from './second-uses';
import { unbound } from './token-issuer';
import { type Binding, type Owner, partsOf, type Shown, type TokenKey, TokenKeys } from './token-key';
import { type Question, TokenRedis } from './token-redis';
import { PRESENT, REVOKE, UNCLAIM_SECOND_USE } from './token-scripts';

/** How long a caller waits for a second use to be written down: what PostgreSQL does is no reason to leave them waiting. */
const RECORD_MS = 500;

/** One who shows something that may be a token. */
interface Showing {
  readonly call: Call;
  readonly owner: Owner;
  readonly binding: Binding;
  readonly shown: Shown;
  /** Those that may have made it: of a token exactly one, of a code all. */
  readonly keys: readonly TokenKey[];
  /** What a token says of itself, in ms; a code says nothing. */
  readonly expiresAt: number | undefined;
}

/** Uses tokens up, looks at them, and takes them back. */
@Injectable()
export class TokenRedeemer {
  constructor(
    private readonly redis: TokenRedis,
    private readonly keys: TokenKeys,
    private readonly secondUses: SecondUses,
    @InjectConfig() private readonly config: TokenServiceConfig,
    @InjectLogger() private readonly logger: Logger,
  ) {}

  /**
   * Uses a token up: exactly one call is answered and, when it is repeated, answered alike. To peek answers the same and
   * leaves the token as it is.
   * @throws DomainError `token_used` (`used_at`), `token_expired`, `token_unknown`, `token_binding_mismatch`,
   *   `too_many_attempts`, `validation_failed`, `service_unavailable`, `outcome_unknown`
   */
  async present(dto: PresentTokenDto, call: Call, how: 'redeem' | 'peek'): Promise<ValidToken> {
    const showing = this.#showing(dto, call);
    const question = this.#question(showing, how);
    const [word, now, ...rest] = (await this.redis.ask(showing.owner, PRESENT, () => question)).reply;
    switch (word) {
      case 'good':
        return answerOf(showing, Number(rest[0]), String(rest[1]));
      case 'used':
        if (Number(rest[2]) > 0) {
          const recorded = this.#recordSecondUse(showing, question, Number(rest[1]), Number(rest[2]));
          await Promise.race([recorded, sleep(RECORD_MS, undefined, { ref: false })]);
        }
        throw used(rest[0]);
      case 'other binding':
        throw new DomainError('token_binding_mismatch');
      case 'locked':
        throw tooManyGuesses(rest[0]);
      case 'expired':
        throw new DomainError('token_expired');
      default:
        throw new DomainError(now >= (showing.expiresAt ?? Infinity) ? 'token_expired' : 'token_unknown');
    }
  }

  /**
   * Takes a token back. Once more makes no difference.
   * @throws DomainError `token_used`, `token_unknown`, `service_unavailable`, `outcome_unknown`
   */
  async revoke(tokenId: string, call: Call): Promise<void> {
    const owner = ownerOf(call);
    const names = this.keys.all.map((key) => key.name('record', owner, tokenId));
    const { reply } = await this.redis.ask(owner, REVOKE, () => ({ names, args: [] }));
    const [word, , at] = reply;
    if (word === 'used') throw used(at);
    if (word === 'missing') throw new DomainError('token_unknown');
  }

  /** @throws DomainError `token_unknown` for what is no token of this owner's; `validation_failed` for a code of nothing */
  #showing(dto: PresentTokenDto, call: Call): Showing {
    const { token } = dto;
    const owner = ownerOf(call);
    const binding = bindingOf(dto);
    if (SINGLE_USE_CODE.test(token)) {
      const errors = unbound(binding);
      if (errors.length > 0) throw new DomainError('validation_failed', { errors });
      return { call, owner, binding, shown: { code: token, ...binding }, keys: this.keys.all, expiresAt: undefined };
    }
    for (const key of this.keys.all) {
      const expiresAt = key.expiryOf(owner, token);
      if (expiresAt !== undefined) return { call, owner, binding, shown: { token }, keys: [key], expiresAt };
    }
    throw new DomainError('token_unknown');
  }

  #question({ call, owner, binding, shown, keys }: Showing, how: 'redeem' | 'peek'): Question {
    const guesser = makerOf(call);
    const counters = 'code' in shown ? keys.map((key) => guessNames(key, owner, binding, guesser)) : [];
    const made = 'code' in shown ? keys.map((key) => makerName(key, owner, key.tokenId(owner, shown), guesser)) : [];
    const claims = keys.flatMap((key) => [
      key.name('binding', owner, binding.purpose, binding.subject),
      consumerOf(key, owner, call),
    ]);
    const retention = this.config.TOKEN_SERVICE_USED_RETENTION_SECONDS * 1_000;
    return {
      names: [
        ...keys.map((key) => key.name('record', owner, key.tokenId(owner, shown))),
        ...counters.map(({ own }) => own),
        ...counters.map(({ together }) => together),
        ...made,
      ],
      args: [
        ...[how, retention, keys.length, counters.length > 0 ? MOST_GUESSES : 0, GUESSES_MS, MOST_GUESSES_TOGETHER],
        ...claims,
      ],
    };
  }

  /** Records a second use. If that fails, the next one is recorded instead. Never rejects. */
  async #recordSecondUse({ call, owner, shown, keys }: Showing, { names }: Question, index: number, again: number) {
    const key = keys[index - 1] ?? this.keys.first;
    try {
      await this.secondUses.record(call, key, owner, key.tokenId(owner, shown), again);
    } catch (error) {
      this.logger.warn('that a token was used again could not be recorded', { error });
      const question = { names: names.slice(index - 1, index), args: [consumerOf(key, owner, call)] };
      await this.redis.ask(owner, UNCLAIM_SECOND_USE, () => question).catch(() => undefined);
    }
  }
}

function answerOf({ owner, shown, keys }: Showing, index: number, sealed: string): ValidToken {
  const key = keys[index - 1] as TokenKey;
  const { purpose, payload, created_by, created_at } = JSON.parse(key.open(sealed, owner, ...partsOf(shown))) as Facts;
  return { valid: true, token_id: key.tokenId(owner, shown), purpose, payload, created_by, created_at };
}

function used(at: unknown): DomainError {
  return new DomainError('token_used', { meta: { used_at: new Date(Number(at)).toISOString() } });
}
