import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { type Expected, SharedSecret, type TicketClaims, TOKEN_KINDS } from '@puerta/auth';
import { accessTokenSecret } from '@puerta/config';
import type { IssuedToken, KeyUse } from '@puerta/contracts';
import { InjectConfig } from '@puerta/service';
import type { KeyObject } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { TokenServiceConfig } from '../config';
import { SigningKeysService } from '../keys/signing-keys.service';

/** What a token is signed with: a private key, or the secret of HS256. */
interface SigningKey {
  readonly kid: string;
  readonly alg: 'ES256' | 'HS256';
  readonly key: KeyObject;
}

/** By which key each kind is signed. */
const USES = { access: 'access', scan: 'access', assertion: 'assertion' } as const satisfies Record<string, KeyUse>;

type Kind = keyof typeof USES;

/** Signs all kinds of tokens. 30 µs each, of which 20 are OpenSSL's: less than a trip to a worker thread would cost. */
@Injectable()
export class TokenSigner {
  private readonly shared: SharedSecret | undefined;

  constructor(
    private readonly jwt: JwtService,
    private readonly keys: SigningKeysService,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {
    const secret = accessTokenSecret(config);
    this.shared = secret && new SharedSecret(secret);
  }

  /**
   * @param claims those of the kind; `iss`, `aud`, `iat`, `exp` and `jti` are added
   * @param expected of an assertion the service that it is for
   * @throws DomainError `service_unavailable` when no key may sign for so long
   */
  async sign<K extends Kind>(
    kind: K,
    claims: { readonly sub: string },
    seconds: number,
    ...[audience]: Expected<K>
  ): Promise<IssuedToken> {
    const iat = Math.floor(Date.now() / 1_000);
    const { kid, alg, key } = await this.keyFor(kind, iat + seconds);
    const { typ, aud = audience }: { typ: string; aud?: string | undefined } = TOKEN_KINDS[kind];
    if (aud === undefined) throw new TypeError(`a ${kind} is for somebody`);
    const token = this.jwt.sign(
      { ...claims, iat },
      {
        algorithm: alg,
        header: { alg, typ, kid },
        privateKey: key,
        issuer: this.config.PUBLIC_URL,
        audience: aud,
        expiresIn: seconds,
        jwtid: uuid(),
      },
    );
    return { token, expires_in: seconds };
  }

  /**
   * All by one key, which stays published until they expire.
   *
   * @param exp of each of them
   * @throws DomainError `service_unavailable`
   */
  async signTickets(tickets: readonly TicketClaims[], exp: number): Promise<string[]> {
    const { kid, privateKey } = await this.keys.signing('ticket', exp);
    const header = { alg: 'ES256', typ: TOKEN_KINDS.ticket.typ, kid } as const;
    // Without `iat`, which the library would add: a ticket has six claims.
    return tickets.map((claims) =>
      this.jwt.sign({ ...claims }, { algorithm: 'ES256', header, privateKey, noTimestamp: true }),
    );
  }

  private async keyFor(kind: Kind, until: number): Promise<SigningKey> {
    if (kind === 'access' && this.shared) return this.shared.key;
    const { kid, privateKey } = await this.keys.signing(USES[kind], until);
    return { kid, alg: 'ES256', key: privateKey };
  }
}
