import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { StrictAuth } from '@puerta/auth';
import {
  CompanyIdDto,
  CreatedInvitation,
  identityContract,
  InvitationIdDto,
  InvitationPage,
  InviteDto,
  PageQueryDto,
} from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Operation } from '../routes/operation';
import { Sender } from '../http/sender';

@ApiTags('Companies')
@Controller('api/v1/companies/:company_id/invitations')
@StrictAuth('admin')
export class InvitationsController {
  constructor(@InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>) {}

  @Post()
  @Operation({
    summary: 'Invites somebody; the answer alone shows the secret',
    status: 201,
    answer: CreatedInvitation,
    createdAt: '/api/v1/companies/{company_id}/invitations/{invitation_id}',
    problems: ['company_not_found'],
  })
  createInvitation(
    @Param() company: CompanyIdDto,
    @Body() invitation: InviteDto,
    @Sender() sender: CallOptions,
  ): Promise<CreatedInvitation> {
    return this.identity.request('invitations.create', { ...invitation, ...company }, sender);
  }

  @Get()
  @Operation({ summary: 'The invitations of a company', answer: InvitationPage, problems: ['company_not_found'] })
  listInvitations(
    @Param() company: CompanyIdDto,
    @Query() page: PageQueryDto,
    @Sender() sender: CallOptions,
  ): Promise<InvitationPage> {
    return this.identity.request('invitations.list', { ...page, ...company }, sender);
  }

  @Delete(':invitation_id')
  @Operation({
    summary: 'Withdraws an invitation',
    status: 204,
    problems: ['company_not_found', 'invitation_not_found', 'invitation_invalid'],
  })
  async revokeInvitation(@Param() invitation: InvitationIdDto, @Sender() sender: CallOptions): Promise<void> {
    await this.identity.request('invitations.revoke', invitation, sender);
  }
}
