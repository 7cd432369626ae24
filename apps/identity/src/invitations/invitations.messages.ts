import { Controller } from '@nestjs/common';
import {
  type CreatedInvitation,
  type Done,
  identityContract,
  InvitationIdDto,
  type InvitationPage,
  InviteCommand,
  ListInvitationsCommand,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { InvitationsService } from './invitations.service';

@Controller()
export class InvitationsMessages {
  constructor(private readonly invitations: InvitationsService) {}

  @Handles(identityContract, 'invitations.create')
  create(dto: InviteCommand, call: Call): Promise<CreatedInvitation> {
    return this.invitations.create(dto, call);
  }

  @Handles(identityContract, 'invitations.list')
  list(dto: ListInvitationsCommand, call: Call): Promise<InvitationPage> {
    return this.invitations.list(dto, call);
  }

  @Handles(identityContract, 'invitations.revoke')
  revoke(dto: InvitationIdDto, call: Call): Promise<Done> {
    return this.invitations.revoke(dto, call);
  }
}
