import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Actor } from '@puerta/contracts';
import type { Identity, ScanIdentity } from './identity';

function identityOf(context: ExecutionContext): Identity | undefined {
  return context.switchToHttp().getRequest<{ user?: Identity }>().user;
}

/** The user who calls: never null behind `@InitialAuth()` and `@StrictAuth()`, null behind `@OptionalAuth()` without a token. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor | null => {
  const identity = identityOf(context);
  return identity?.kind === 'user' ? identity.actor : null;
});

/** The scan whose pass was sent, and when the pass ends; for routes behind `@ScanPass()`. */
export const CurrentScan = createParamDecorator((_: unknown, context: ExecutionContext): ScanIdentity | null => {
  const identity = identityOf(context);
  return identity?.kind === 'scan' ? identity : null;
});
