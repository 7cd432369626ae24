import { type Actor, DomainError, isAtLeast } from '@puerta/contracts';
import type { Requirement } from './requirement';

/** Who a request turned out to be from. */
export type Identity = UserIdentity | ScanIdentity | Anonymous;

export interface UserIdentity {
  readonly kind: 'user';
  /** For the services. Names a company only if the user is an active member of it now. */
  readonly actor: Actor;
  /** The company in the token, which the user may have left. */
  readonly tokenCompanyId: string | null;
  /** Of the token, in seconds since 1970. */
  readonly expiresAt: number;
}

export interface ScanIdentity {
  readonly kind: 'scan';
  readonly scanId: string;
  /** Of the pass, in seconds since 1970. */
  readonly expiresAt: number;
}

export interface Anonymous {
  readonly kind: 'anonymous';
}

export const ANONYMOUS: Anonymous = { kind: 'anonymous' };

/**
 * Whether this identity may use a route. A kind of identity that the route does not name is refused, whatever it is.
 *
 * @throws DomainError `company_required`, `not_a_member`, `role_required` or `forbidden`
 */
export function permit(identity: Identity, requirement: Requirement): void {
  switch (requirement.guard) {
    case 'public':
    case 'optional':
      return;
    case 'initial':
      if (identity.kind === 'user') return;
      break;
    case 'scan':
      if (identity.kind === 'scan') return;
      break;
    case 'strict':
      if (identity.kind !== 'user') break;
      if (identity.tokenCompanyId === null) throw new DomainError('company_required');
      if (identity.actor.role === null) throw new DomainError('not_a_member');
      if (!isAtLeast(identity.actor.role, requirement.leastRole)) throw new DomainError('role_required');
      return;
  }
  throw new DomainError('forbidden');
}
