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
  UpdateCompanyCommand,
} from './companies.dto';
import {
  type AccessFacts,
  CheckAccessDto,
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
  'users.register': answers<LoginAnswer>().to(RegisterDto, 'heavy', 'gateway'),
  'users.login': answers<LoginAnswer>().to(LoginDto, 'heavy', 'gateway'),
  'users.me': answers<UserProfile>().to(NothingDto, 'fast', 'gateway'),
  'users.update-me': answers<UserProfile>().to(UpdateMeDto, 'fast', 'gateway'),
  'sessions.refresh': answers<LoginAnswer>().to(RefreshDto, 'fast', 'gateway'),
  'sessions.end': answers<Done>().to(LogoutDto, 'fast', 'gateway'),
  /** Asked by the gateway's guards for each request. */
  'access.check': answers<AccessFacts>().to(CheckAccessDto, 'fast', 'gateway'),
  'companies.create': answers<Company>().to(CreateCompanyDto, 'fast', 'gateway'),
  'companies.list-mine': answers<CompanyPage>().to(PageQueryDto, 'fast', 'gateway'),
  'companies.get': answers<Company>().to(CompanyIdDto, 'fast', 'gateway'),
  'companies.update': answers<Company>().to(UpdateCompanyCommand, 'fast', 'gateway'),
  'companies.label': answers<CompanyLabel>().to(CompanyIdDto, 'fast', 'card-issuer'),
  /** Chooses the company the actor's session acts in, joining it where the rules allow. */
  'companies.ensure': answers<EnsureCompanyAnswer>().to(EnsureCompanyDto, 'fast', 'gateway'),
  'invitations.create': answers<CreatedInvitation>().to(InviteCommand, 'fast', 'gateway'),
  'invitations.list': answers<InvitationPage>().to(ListInvitationsCommand, 'fast', 'gateway'),
  'invitations.revoke': answers<Done>().to(InvitationIdDto, 'fast', 'gateway'),
  /** Something that was done in another service; telling it again makes no difference. */
  'activity.record': answers<Done>().to(RecordActivityDto, 'fast', 'card-issuer', 'token-service'),
  'activity.list-mine': answers<ActivityPage>().to(PageQueryDto, 'fast', 'gateway'),
  'activity.list': answers<ActivityPage>().to(ListActivityCommand, 'fast', 'gateway'),
});
