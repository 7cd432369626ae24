import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import type { RawRequest } from '../http/bearer-token';
import type { Authenticator } from './authenticator';
import type { Identity } from './identity';
import type { Requirement } from './requirement';

/** What the guard hands over with each request. */
export interface AccessOptions {
  readonly authenticator: Authenticator;
  readonly requirement: Requirement;
}

/**
 * Passport's `jwt` strategy with its verification replaced by {@link Authenticator}, which the early check has already
 * asked: stock passport-jwt parses a PEM per request, looks neither at `typ` nor at the session, and takes the first of
 * two headers. It holds no state of its own, because Passport keeps strategies by name for the whole process.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor() {
    // Passport-jwt demands these. They are never asked, and would refuse everything.
    super({
      jwtFromRequest: () => null,
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: Error) => void) => done(new Error('unused')),
    });
  }

  /** Passport types its request as Express's; ours is Fastify's, and the options are the guard's. */
  override authenticate(request: unknown, options: unknown): void {
    const { raw } = request as { readonly raw: RawRequest };
    const { authenticator, requirement } = options as AccessOptions;
    authenticator.authenticate(raw, requirement).then(
      (identity: Identity) => this.success(identity),
      (error: Error) => this.error(error),
    );
  }

  validate(): never {
    throw new Error('unused');
  }
}
