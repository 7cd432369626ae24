import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { DomainError } from '@puerta/contracts';
import type { Identity } from './identity';
import type { AccessOptions } from './jwt.strategy';
import { type Requirement, requirementOf } from './requirement';

/** Whom the early checks found a request to be from; undefined if they have not looked at it. */
export type IdentityOf = (request: unknown) => Identity | undefined;

export const IDENTITY_OF = Symbol('IDENTITY_OF');

/**
 * The one global guard: every route is refused that does not say who may use it, or whose request nobody authenticated.
 * Being one, it cannot be forgotten on a route, and a route's decorator and its guard cannot disagree.
 */
@Injectable()
export class AccessGuard extends AuthGuard('jwt') {
  constructor(@Inject(IDENTITY_OF) private readonly identityOf: IdentityOf) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.requirement(context).guard === 'public') return true;
    return (await super.canActivate(context)) === true;
  }

  override getAuthenticateOptions(context: ExecutionContext) {
    const identity = this.identityOf(context.switchToHttp().getRequest());
    const options: AccessOptions = { identity, requirement: this.requirement(context) };
    return { session: false, ...options };
  }

  override handleRequest<T = Identity>(error: unknown, identity: T | false): T {
    if (error) throw error;
    if (!identity) throw new DomainError('unauthenticated');
    return identity;
  }

  private requirement(context: ExecutionContext): Requirement {
    const requirement = requirementOf(context.getClass(), context.getHandler());
    if (!requirement || context.getType() !== 'http') throw new DomainError('forbidden');
    return requirement;
  }
}
