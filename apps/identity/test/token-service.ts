import { Controller, Module } from '@nestjs/common';
import { defineContract, IssueAccessTokenDto, type IssuedToken, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { newKeyPair } from '@puerta/testing';
import { randomUUID, sign } from 'node:crypto';

const { privateKey } = newKeyPair();

/** As much of token-service as identity asks for. */
export const tokenServicePart = defineContract('token-service', {
  'access-tokens.issue': tokenServiceContract.patterns['access-tokens.issue'],
});

/** It signs with a key of its own. */
@Controller()
class TokenMessages {
  @Handles(tokenServicePart, 'access-tokens.issue')
  async issue(dto: IssueAccessTokenDto): Promise<IssuedToken> {
    const claims = { ...dto, sub: dto.user_id, sid: dto.session_id, jti: randomUUID() };
    const input = [{ alg: 'ES256', typ: 'at+jwt' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return { token: `${input}.${signature.toString('base64url')}`, expires_in: 900 };
  }
}

@Module({ controllers: [TokenMessages] })
export class TestTokenService {}

export interface TestClaims {
  readonly sub: string;
  readonly sid: string;
  readonly email: string;
  readonly company_id: string | null;
  readonly roles: string[];
  readonly jti: string;
}

/** What an access token of the service above says. */
export function claimsOf(accessToken: string): TestClaims {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as TestClaims;
}
