import { Injectable } from '@nestjs/common';
import { type IssuedToken, type LoginAnswer, type Role, tokenServiceContract } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { DeviceTokens } from './device-tokens';
import type { Subject } from './subject';

/** Has access tokens signed. Never called inside a transaction: no row stays locked while another service answers. */
@Injectable()
export class AccessTokens {
  constructor(
    @InjectService(tokenServiceContract) private readonly tokenService: ServiceClient<typeof tokenServiceContract>,
    private readonly devices: DeviceTokens,
  ) {}

  issue(subject: Subject): Promise<IssuedToken> {
    return this.tokenService.request('access-tokens.issue', {
      user_id: subject.userId,
      email: subject.email,
      company_id: subject.companyId,
      roles: rolesOf(subject),
      session_id: subject.sessionId,
    });
  }

  /** What a login, a registration and a refresh answer. */
  async loginAnswer(subject: Subject, refreshToken: string): Promise<LoginAnswer> {
    const access = await this.issue(subject);
    return {
      access_token: access.token,
      token_type: 'Bearer',
      expires_in: access.expires_in,
      refresh_token: refreshToken,
      device_token: this.devices.make(subject.sessionId, subject.email),
      user_id: subject.userId,
      email: subject.email,
      name: subject.name,
      company_id: subject.companyId,
      roles: rolesOf(subject),
    };
  }
}

export function rolesOf(subject: Subject): Role[] {
  return subject.role === null ? [] : [subject.role];
}
