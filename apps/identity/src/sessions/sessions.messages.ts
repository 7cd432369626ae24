import { Controller } from '@nestjs/common';
import {
  CheckDeviceDto,
  type DeviceFacts,
  DomainError,
  type Done,
  identityContract,
  type LoginAnswer,
  LogoutDto,
  RefreshDto,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { DeviceTokens } from './device-tokens';
import { SessionsService } from './sessions.service';

@Controller()
export class SessionsMessages {
  constructor(
    private readonly sessions: SessionsService,
    private readonly devices: DeviceTokens,
  ) {}

  @Handles(identityContract, 'sessions.refresh')
  refresh(dto: RefreshDto): Promise<LoginAnswer> {
    return this.sessions.refresh(dto.refresh_token);
  }

  @Handles(identityContract, 'devices.check')
  async checkDevice({ device_token: token, email }: CheckDeviceDto): Promise<DeviceFacts> {
    return { known: this.devices.isKnown(token, email) };
  }

  /** By the access token, by a refresh token, or by both, if they are of one session. */
  @Handles(identityContract, 'sessions.end')
  async end({ refresh_token: token }: LogoutDto, { actor }: Call): Promise<Done> {
    if (!actor && !token) throw new DomainError('unauthenticated');
    await this.sessions.end(actor?.session_id, token ?? undefined);
    return { done: true };
  }
}
