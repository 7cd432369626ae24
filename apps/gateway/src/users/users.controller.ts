import { Body, Controller, Get, Patch, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Authenticator, CurrentActor, InitialAuth, OptionalAuth, Public } from '@puerta/auth';
import {
  type Actor,
  ActivityPage,
  EnsureCompanyAnswer,
  EnsureCompanyDto,
  identityContract,
  LoginAnswer,
  LoginDto,
  LogoutDto,
  PageQueryDto,
  RefreshDto,
  RegisterDto,
  UpdateMeDto,
  UserProfile,
} from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Operation } from '../routes/operation';
import { Limited } from '../routes/route-options';
import { Sender } from '../http/sender';
import { LOGIN_BY_ADDRESS, REGISTER_BY_ADDRESS } from '../limits/limits';
import { LoginLimits } from '../limits/login-limits';

/**
 * Identity gives a replaced refresh token's successor again for 10 s, unless that was used. A caller who is told "outcome
 * unknown" has not used it, and must still be in time to ask again.
 */
const REFRESH_TTL_MS = 4_000;

@ApiTags('Users and sessions')
@Controller('api/v1/users')
export class UsersController {
  constructor(
    @InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>,
    private readonly authenticator: Authenticator,
  ) {}

  @Post('register')
  @Public()
  @Limited(REGISTER_BY_ADDRESS)
  @Operation({
    summary: 'Registers a user and begins a session',
    status: 201,
    answer: LoginAnswer,
    createdAt: '/api/v1/users/me',
    problems: ['email_taken', 'invitation_invalid', 'invitation_for_another', 'session_revoked'],
  })
  register(@Body() user: RegisterDto, @Sender() sender: CallOptions): Promise<LoginAnswer> {
    return this.identity.request('users.register', user, sender);
  }

  @Post('login')
  @Public()
  @Limited(LOGIN_BY_ADDRESS)
  @UseInterceptors(LoginLimits)
  @Operation({
    summary: 'Begins a session',
    description: 'An unknown e-mail, a wrong password and an inactive user get the same answer.',
    answer: LoginAnswer,
    problems: ['invalid_credentials', 'session_revoked'],
  })
  login(@Body() credentials: LoginDto, @Sender() sender: CallOptions): Promise<LoginAnswer> {
    return this.identity.request('users.login', credentials, sender);
  }

  @Post('refresh')
  @Public()
  @Operation({
    summary: 'Renews the access token',
    description: 'The refresh token is replaced as well.',
    ignoresKey:
      'An Idempotency-Key means nothing here: a replaced refresh token gives the same new one again for 10 seconds, ' +
      'unless that one was used in between. Later, or once it was, the replaced one ends the session.',
    answer: LoginAnswer,
    problems: ['refresh_token_invalid', 'refresh_token_reused'],
  })
  refreshSession(@Body() token: RefreshDto, @Sender() sender: CallOptions): Promise<LoginAnswer> {
    return this.identity.request('sessions.refresh', token, { ...sender, ttlMs: REFRESH_TTL_MS });
  }

  @Post('logout')
  @OptionalAuth()
  @Operation({
    summary: 'Ends the session of the access token, or of the refresh token in the body',
    description: 'Both may be sent if they are of one session.',
    status: 204,
    ignoresKey: 'An Idempotency-Key means nothing here: what has ended may be ended again.',
    problems: ['unauthenticated', 'session_mismatch'],
  })
  async logout(
    @Body() token: LogoutDto,
    @CurrentActor() actor: Actor | null,
    @Sender() sender: CallOptions,
  ): Promise<void> {
    await this.identity.request('sessions.end', token, sender);
    // Here it counts from the next request on; the other gateways hear of it in a moment.
    if (actor) this.authenticator.forget(actor.user_id);
  }

  @Get('me')
  @InitialAuth()
  @Operation({ summary: 'The user and their memberships', answer: UserProfile, problems: ['user_not_found'] })
  getMe(@Sender() sender: CallOptions): Promise<UserProfile> {
    return this.identity.request('users.me', {}, sender);
  }

  @Patch('me')
  @InitialAuth()
  @Operation({ summary: 'Changes name or language', answer: UserProfile, problems: ['user_not_found'] })
  updateMe(@Body() changes: UpdateMeDto, @Sender() sender: CallOptions): Promise<UserProfile> {
    return this.identity.request('users.update-me', changes, sender);
  }

  @Get('me/activity')
  @InitialAuth()
  @Operation({ summary: 'What the user did, the newest first', answer: ActivityPage })
  listMyActivity(@Query() page: PageQueryDto, @Sender() sender: CallOptions): Promise<ActivityPage> {
    return this.identity.request('activity.list-mine', page, sender);
  }

  @Post('me/ensure-company')
  @InitialAuth()
  @Operation({
    summary: 'Chooses the company to act in, and gives the token that says so',
    description: 'The company that invites, else the one named, else the current one, else the default one.',
    answer: EnsureCompanyAnswer,
    problems: [
      'company_unresolved',
      'company_not_joinable',
      'company_not_found',
      'invitation_invalid',
      'invitation_for_another',
      'not_a_member',
      'user_not_found',
    ],
  })
  ensureCompany(@Body() choice: EnsureCompanyDto, @Sender() sender: CallOptions): Promise<EnsureCompanyAnswer> {
    return this.identity.request('companies.ensure', choice, sender);
  }
}
