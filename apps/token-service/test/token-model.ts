import type { CreateTokenDto } from '@puerta/contracts';

/** A token as the model knows it. */
export interface ModelToken {
  readonly token: string;
  readonly tokenId: string;
  readonly isCode: boolean;
  readonly purpose: string | null;
  readonly subject: string | null;
  readonly short: boolean;
  usedBy?: string;
  revoked?: boolean;
}

export type Claim = { readonly purpose?: string | null; readonly subject?: string | null };

/** What one owner may expect of their tokens, in the simplest words there are. Time is before or after the short ones end. */
export class TokenModel {
  readonly all: ModelToken[] = [];
  readonly #guesses = new Map<string, number>();
  readonly #answers = new Map<string, { readonly request: string; readonly token: string }>();
  later = false;

  /** What making a token is answered with; the token where it is the one of before. */
  beforeIssue(dto: CreateTokenDto, key: string | undefined): string | { readonly again: string } {
    const isCode = dto.format === 'code';
    if (isCode && (!dto.purpose || !dto.subject)) return 'validation_failed';
    const before = key === undefined ? undefined : this.#answers.get(key);
    if (before) return before.request === JSON.stringify(dto) ? { again: before.token } : 'idempotency_mismatch';
    return isCode && this.#locked(dto) ? 'too_many_attempts' : 'ok';
  }

  issued(dto: CreateTokenDto, key: string | undefined, token: string, tokenId: string): void {
    const { purpose = null, subject = null } = dto;
    this.all.push({ token, tokenId, isCode: dto.format === 'code', purpose, subject, short: dto.ttl_seconds !== 600 });
    if (key !== undefined) this.#answers.set(key, { request: JSON.stringify(dto), token });
  }

  present(token: string, claim: Claim, caller: string, redeems: boolean): string {
    const { purpose = null, subject = null } = claim;
    if (!/^\d+$/.test(token))
      return this.#judge(
        this.all.find((one) => one.token === token),
        { purpose, subject },
        caller,
        redeems,
      );
    if (purpose === null || subject === null) return 'validation_failed';
    if (this.#locked(claim)) return 'too_many_attempts';
    const found = this.all.find(
      (one) => one.token === token && one.purpose === purpose && one.subject === subject && !one.revoked,
    );
    if (!found) this.#guesses.set(nameOf(claim), (this.#guesses.get(nameOf(claim)) ?? 0) + 1);
    return this.#judge(found, { purpose, subject }, caller, redeems);
  }

  revoke(tokenId: string): string {
    const one = this.all.find((each) => each.tokenId === tokenId);
    if (!one || (!one.isCode && one.usedBy === undefined && this.#expired(one))) return 'token_unknown';
    if (one.usedBy !== undefined) return 'token_used';
    one.revoked = true;
    return 'ok';
  }

  #judge(
    one: ModelToken | undefined,
    claim: { purpose: string | null; subject: string | null },
    caller: string,
    redeems: boolean,
  ) {
    if (!one) return 'token_unknown';
    if (one.usedBy === undefined && this.#expired(one)) return 'token_expired';
    if (one.revoked) return 'token_unknown';
    if (one.purpose !== claim.purpose || one.subject !== claim.subject) return 'token_binding_mismatch';
    if (one.usedBy !== undefined) return redeems && one.usedBy === caller ? 'ok' : 'token_used';
    if (redeems) one.usedBy = caller;
    return 'ok';
  }

  #expired(one: ModelToken): boolean {
    return this.later && one.short;
  }

  /** Of whoever guesses; here that is one. */
  #locked(claim: Claim): boolean {
    return (this.#guesses.get(nameOf(claim)) ?? 0) >= 5;
  }
}

const nameOf = ({ purpose, subject }: Claim): string => `${purpose} ${subject}`;
