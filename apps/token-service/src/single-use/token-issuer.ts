import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type CreatedToken, type CreateTokenDto, MAX_CODE_SECONDS } from '@puerta/contracts';
import { DomainError, type FieldError } from '@puerta/contracts/core';
import { canonicalJson } from '@puerta/database';
import { type Call, InjectConfig } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { makerOf, ownerOf } from './caller';
import { guessNames, makerName, MOST_GUESSES, tooManyGuesses } from './guesses';
import { bindingOf, type Facts } from './sealed-facts';
import { type Owner, partsOf, type Shown, TokenKeys } from './token-key';
import { type Question, TokenRedis } from './token-redis';
import { ISSUE } from './token-scripts';

/** As long as an answer is kept everywhere else. */
const ANSWERS_MS = 24 * 60 * 60 * 1_000;
/** Of a subject with a thousand codes, one draw in a thousand is in vain. */
const MOST_DRAWS = 20;

/** A token that is about to be made. */
interface Draft extends Question {
  readonly answer: CreatedToken;
}

/** Makes tokens. */
@Injectable()
export class TokenIssuer {
  constructor(
    private readonly redis: TokenRedis,
    private readonly keys: TokenKeys,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /**
   * Makes a token, or answers as the first time, for a day, if the call has an Idempotency-Key.
   * @throws DomainError `validation_failed`, `too_many_attempts`, `idempotency_mismatch`, `overloaded`,
   *   `service_unavailable`, `outcome_unknown`
   */
  async issue(dto: CreateTokenDto, call: Call): Promise<CreatedToken> {
    const owner = ownerOf(call);
    const seconds = this.#secondsOf(dto);
    for (let draw = 0; draw < MOST_DRAWS; draw += 1) {
      const { reply, question } = await this.redis.ask(owner, ISSUE, (now) =>
        this.#draft(call, owner, dto, now, seconds),
      );
      const [word, , ...rest] = reply;
      if (word === 'issued') return question.answer;
      if (word === 'answered') return this.#firstAnswer(call, owner, Number(rest[0]), String(rest[1]));
      if (word === 'differs') throw new DomainError('idempotency_mismatch');
      if (word === 'locked') throw tooManyGuesses(rest[0]);
    }
    throw new DomainError('overloaded');
  }

  #draft(call: Call, owner: Owner, dto: CreateTokenDto, now: number, seconds: number): Draft {
    const { first, all } = this.keys;
    const binding = bindingOf(dto);
    const expiresAt = now + seconds * 1_000;
    const isCode = dto.format === 'code';
    const shown: Shown = isCode ? { code: this.#drawCode(), ...binding } : { token: first.newToken(owner, expiresAt) };
    const maker = makerOf(call);
    const facts: Facts = {
      purpose: binding.purpose,
      payload: dto.payload ?? null,
      created_by: maker,
      created_at: new Date(now).toISOString(),
    };
    const answer: CreatedToken = {
      token: 'token' in shown ? shown.token : shown.code,
      token_id: first.tokenId(owner, shown),
      expires_in: seconds,
      expires_at: new Date(expiresAt).toISOString(),
    };
    // A random token is like no other. A code may be one that an older key of the ring made.
    const records = (isCode ? all : [first]).map((key) => key.name('record', owner, key.tokenId(owner, shown)));
    const counters = isCode ? all.map((key) => guessNames(key, owner, binding, maker).own) : [];
    const made = isCode ? [makerName(first, owner, first.tokenId(owner, shown), maker)] : [];
    // That a code has expired is known for as long as that one was used; a token itself holds when it expires.
    const keptUntil = expiresAt + (isCode ? this.config.TOKEN_SERVICE_USED_RETENTION_SECONDS * 1_000 : 0);
    const kept = this.#keptAnswer(call, owner, dto, answer);
    return {
      answer,
      names: [...records, ...counters, ...made, ...kept.names],
      args: [
        ...[expiresAt, keptUntil, first.name('binding', owner, binding.purpose, binding.subject)],
        ...[first.seal(JSON.stringify(facts), owner, ...partsOf(shown)), records.length, isCode ? MOST_GUESSES : 0],
        ...kept.args,
      ],
    };
  }

  /** What it takes to give the same answer to the same call. */
  #keptAnswer(call: Call, owner: Owner, dto: CreateTokenDto, answer: CreatedToken): Question {
    if (call.idempotencyKey === undefined) return { names: [], args: [] };
    const { first, all } = this.keys;
    const request = canonicalJson(dto);
    const parts = callParts(call);
    return {
      names: all.map((key) => key.name('call', owner, ...parts)),
      args: [
        ...[first.seal(JSON.stringify(answer), owner, 'answer', ...parts), ANSWERS_MS],
        ...all.map((key) => key.name('request', owner, request)),
      ],
    };
  }

  #firstAnswer(call: Call, owner: Owner, index: number, sealed: string): CreatedToken {
    const key = this.keys.all[index - 1] ?? this.keys.first;
    return JSON.parse(key.open(sealed, owner, 'answer', ...callParts(call))) as CreatedToken;
  }

  #drawCode(): string {
    const digits = this.config.TOKEN_SERVICE_CODE_DIGITS;
    return String(randomInt(10 ** digits)).padStart(digits, '0');
  }

  /** @throws DomainError `validation_failed` for a code that is bound to nothing, or lives too long */
  #secondsOf({ format, purpose, subject, ttl_seconds: asked }: CreateTokenDto): number {
    const { TOKEN_SERVICE_ONETIME_EXPIRE_SECONDS: usual } = this.config;
    if (format !== 'code') return asked ?? usual;
    const errors = unbound({ purpose, subject });
    if ((asked ?? 0) > MAX_CODE_SECONDS) {
      errors.push({ field: 'ttl_seconds', code: 'out_of_range', params: { min: 1, max: MAX_CODE_SECONDS } });
    }
    if (errors.length > 0) throw new DomainError('validation_failed', { errors });
    return asked ?? Math.min(usual, MAX_CODE_SECONDS);
  }
}

/** A code is one only for a purpose and a subject. */
export function unbound(binding: { readonly purpose?: string | null; readonly subject?: string | null }): FieldError[] {
  const missing = (['purpose', 'subject'] as const).filter(
    (field) => binding[field] === undefined || binding[field] === null,
  );
  return missing.map((field) => ({ field, code: 'required' }));
}

function callParts({ actor, idempotencyKey = '' }: Call): [string | null, string] {
  return [actor?.user_id ?? null, idempotencyKey];
}
