import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { TOKEN_KINDS, type TokenKind } from '@puerta/auth';
import type { IssuedToken } from '@puerta/contracts';
import { InjectConfig } from '@puerta/service';
import { v7 as uuid } from 'uuid';
import type { TokenServiceConfig } from '../config';
import { SigningKeysService } from '../keys/signing-keys.service';

/** Signs all kinds of tokens. 30 µs each, of which 20 are OpenSSL's: less than a trip to a worker thread would cost. */
@Injectable()
export class TokenSigner {
  constructor(
    private readonly jwt: JwtService,
    private readonly keys: SigningKeysService,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /**
   * @param claims those of the kind; `iss`, `aud`, `iat`, `exp` and `jti` are added
   * @throws DomainError `service_unavailable` when no key may sign for so long
   */
  async sign(kind: TokenKind, claims: { readonly sub: string }, seconds: number): Promise<IssuedToken> {
    const iat = Math.floor(Date.now() / 1_000);
    const { kid, privateKey } = await this.keys.signing('access', iat + seconds);
    const { typ, aud } = TOKEN_KINDS[kind];
    const token = this.jwt.sign({ ...claims, iat }, {
      algorithm: 'ES256',
      header: { alg: 'ES256', typ, kid },
      privateKey,
      issuer: this.config.PUBLIC_URL,
      audience: aud,
      expiresIn: seconds,
      jwtid: uuid(),
    });
    return { token, expires_in: seconds };
  }
}
