import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { type Identity, permit } from './identity';
import type { Requirement } from './requirement';

/** What the guard hands over with each request. */
export interface AccessOptions {
  /** Undefined where nobody has authenticated the request. */
  readonly identity: Identity | undefined;
  readonly requirement: Requirement;
}

/**
 * Passport's `jwt` strategy, with the identity that the early checks found in place of its verification: stock
 * passport-jwt parses a PEM per request, looks neither at `typ` nor at the session, and takes the first of two headers.
 * It holds no state of its own, because Passport keeps strategies by name for the whole process.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor() {
    // Passport-jwt demands these. They are never asked, and would refuse everything.
    super({
      jwtFromRequest: () => null,
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: Error) => void) =>
        done(new Error('unused')),
    });
  }

  /** Passport types its options by what it knows; ours are the guard's. */
  override authenticate(_request: unknown, options: unknown): void {
    const { identity, requirement } = options as AccessOptions;
    if (!identity) return this.fail(401);
    try {
      permit(identity, requirement);
    } catch (error) {
      return this.error(error as Error);
    }
    this.success(identity);
  }

  validate(): never {
    throw new Error('unused');
  }
}
