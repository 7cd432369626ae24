import { answers, defineContract } from '../core';
import { type ActivityPage, ListActivityCommand, RecordActivityDto } from './activity.dto';
import {
  type Company,
  CompanyIdDto,
  type CompanyLabel,
  type CompanyPage,
  CreateCompanyDto,
  type CreatedInvitation,
  type Done,
  InvitationIdDto,
  type InvitationPage,
  InviteCommand,
  ListInvitationsCommand,
  MembershipDto,
  type MembershipFact,
  UpdateCompanyCommand,
} from './companies.dto';
import {
  type AccessFacts,
  CheckAccessDto,
  CheckDeviceDto,
  type DeviceFacts,
  type EnsureCompanyAnswer,
  EnsureCompanyDto,
  type LoginAnswer,
  LoginDto,
  LogoutDto,
  NothingDto,
  RefreshDto,
  RegisterDto,
  UpdateMeDto,
  type UserProfile,
} from './users.dto';
import { PageQueryDto } from '../validation';

/** Users, sessions, companies and memberships. Patterns that need an actor answer `unauthenticated` without one. */
export const identityContract = defineContract('identity', {
  'users.register': answers<LoginAnswer>('heavy').to(RegisterDto, 'gateway'),
  'users.login': answers<LoginAnswer>('heavy').to(LoginDto, 'gateway'),
  'users.me': answers<UserProfile>().to(NothingDto, 'gateway'),
  'users.update-me': answers<UserProfile>().to(UpdateMeDto, 'gateway'),
  'sessions.refresh': answers<LoginAnswer>().to(RefreshDto, 'gateway'),
  'sessions.end': answers<Done>().to(LogoutDto, 'gateway'),
  /** Asked before a login is counted. */
  'devices.check': answers<DeviceFacts>().to(CheckDeviceDto, 'gateway'),
  /** Asked by the gateway's guards for each request. */
  'access.check': answers<AccessFacts>().to(CheckAccessDto, 'gateway'),
  'companies.create': answers<Company>().to(CreateCompanyDto, 'gateway'),
  'companies.list-mine': answers<CompanyPage>().to(PageQueryDto, 'gateway'),
  'companies.get': answers<Company>().to(CompanyIdDto, 'gateway'),
  'companies.update': answers<Company>().to(UpdateCompanyCommand, 'gateway'),
  'companies.label': answers<CompanyLabel>().to(CompanyIdDto, 'card-issuer'),
  /** Chooses the company the actor's session acts in, joining it where the rules allow. */
  'companies.ensure': answers<EnsureCompanyAnswer>().to(EnsureCompanyDto, 'gateway'),
  /** Asked by who keeps a user's id for a company: of another service's ids, only its owner knows what they are worth. */
  'memberships.check': answers<MembershipFact>().to(MembershipDto, 'card-issuer'),
  'invitations.create': answers<CreatedInvitation>().to(InviteCommand, 'gateway'),
  'invitations.list': answers<InvitationPage>().to(ListInvitationsCommand, 'gateway'),
  'invitations.revoke': answers<Done>().to(InvitationIdDto, 'gateway'),
  /** Something that was done in another service; telling it again makes no difference. */
  'activity.record': answers<Done>().to(RecordActivityDto, 'card-issuer', 'token-service'),
  'activity.list-mine': answers<ActivityPage>().to(PageQueryDto, 'gateway'),
  'activity.list': answers<ActivityPage>().to(ListActivityCommand, 'gateway'),
});
