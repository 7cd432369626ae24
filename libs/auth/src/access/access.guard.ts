import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { DomainError } from '@puerta/contracts';
import { Authenticator } from './authenticator';
import type { Identity } from './identity';
import type { AccessOptions } from './jwt.strategy';
import { type Requirement, requirementOf } from './requirement';

/**
 * The one global guard: every route is refused that does not say who may use it. Being one, it cannot be forgotten on a
 * route, and a route's decorator and its guard cannot disagree.
 */
@Injectable()
export class AccessGuard extends AuthGuard('jwt') {
  constructor(private readonly authenticator: Authenticator) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.requirement(context).guard === 'public') return true;
    return (await super.canActivate(context)) === true;
  }

  override getAuthenticateOptions(context: ExecutionContext) {
    const options: AccessOptions = { authenticator: this.authenticator, requirement: this.requirement(context) };
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
