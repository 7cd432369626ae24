import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import type { Role } from '@puerta/contracts';

/** What a route asks of who calls it. */
export type Requirement =
  | { readonly guard: 'public' }
  | { readonly guard: 'optional' }
  | { readonly guard: 'initial' }
  | { readonly guard: 'strict'; readonly leastRole: Role }
  | { readonly guard: 'scan' };

const REQUIREMENT = 'puerta:requirement';

const requires = (requirement: Requirement): CustomDecorator => SetMetadata(REQUIREMENT, requirement);

/** Anybody. A token that is sent is not looked at. */
export const Public = () => requires({ guard: 'public' });

/** Anybody; but a token that is sent must be good, and is the actor then. */
export const OptionalAuth = () => requires({ guard: 'optional' });

/** A user with a live session, in a company or not. */
export const InitialAuth = () => requires({ guard: 'initial' });

/** An active member of the company in the token, with at least this role. */
export const StrictAuth = (leastRole: Role = 'member') => requires({ guard: 'strict', leastRole });

/** A scan pass, and nothing else. */
export const ScanPass = () => requires({ guard: 'scan' });

/** What a route asks: its own decorator, else its controller's; undefined when neither has one. */
export function requirementOf(controller: object, handler: object): Requirement | undefined {
  const stated: unknown = Reflect.getMetadata(REQUIREMENT, handler) ?? Reflect.getMetadata(REQUIREMENT, controller);
  return stated as Requirement | undefined;
}
