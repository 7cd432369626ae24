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
import type { Context } from '../actor';
import { InvitationsService } from './invitations.service';

@Controller()
export class InvitationsMessages {
  constructor(private readonly invitations: InvitationsService) {}

  @Handles(identityContract, 'invitations.create')
  create(dto: InviteCommand, context: Context): Promise<CreatedInvitation> {
    return this.invitations.create(context, dto);
  }

  @Handles(identityContract, 'invitations.list')
  list(dto: ListInvitationsCommand, context: Context): Promise<InvitationPage> {
    return this.invitations.list(context, dto);
  }

  @Handles(identityContract, 'invitations.revoke')
  revoke(dto: InvitationIdDto, context: Context): Promise<Done> {
    return this.invitations.revoke(context, dto);
  }
}
