import {
  type DynamicModule,
  type FactoryProvider,
  Module,
  type ModuleMetadata,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { KeySet } from '@puerta/contracts';
import type { KeyObject } from 'node:crypto';
import { AccessGuard, IDENTITY_OF, type IdentityOf } from './access/access.guard';
import { Authenticator } from './access/authenticator';
import { JwtStrategy } from './access/jwt.strategy';
import type { InvalidationSource } from './invalidations/invalidation-source';
import { type FactsSource, AccessFactsCache } from './cache/access-facts-cache';
import { VerifiedTokenCache } from './cache/verified-token-cache';
import { KeyStore } from './keys/key-store';
import { SharedSecret } from './keys/shared-secret';
import { TokenVerifier } from './tokens/token-verifier';

export interface AuthOptions {
  /** The exact `iss` of access tokens and scan passes: the public URL. */
  readonly issuer: string;
  /** Asks the token service for its public keys. */
  readonly keys: () => Promise<KeySet>;
  /** With it access tokens are HS256 and no others are good; scan passes stay ES256. */
  readonly accessTokenSecret?: KeyObject | undefined;
  /** Asks identity about the subject of a token; give the call a time to live below one second. */
  readonly facts: FactsSource;
  /** Tells which users' facts have changed. */
  readonly factsInvalidations: InvalidationSource;
  /** Tells that the public keys have changed. */
  readonly keysInvalidations: InvalidationSource;
  /** Where the app keeps what {@link Authenticator} found of a request. */
  readonly identityOf: IdentityOf;
}

export interface AuthModuleSetup<Args extends unknown[] = never[]> extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...args: Args) => AuthOptions;
}

const AUTH_OPTIONS = Symbol('AUTH_OPTIONS');

/** Guards every route of an HTTP app, and gives it the {@link Authenticator} for the check before bodies are read. */
@Module({})
export class AuthModule implements OnModuleInit, OnModuleDestroy {
  constructor(private readonly keys: KeyStore) {}

  static forRoot<Args extends unknown[]>({
    imports = [],
    inject = [],
    useFactory,
  }: AuthModuleSetup<Args>): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports,
      providers: [
        { provide: AUTH_OPTIONS, inject, useFactory },
        { provide: KeyStore, inject: [AUTH_OPTIONS], useFactory: keyStore },
        {
          provide: TokenVerifier,
          inject: [KeyStore, AUTH_OPTIONS],
          useFactory: (keys: KeyStore, { issuer, accessTokenSecret }: AuthOptions) =>
            new TokenVerifier(
              { access: accessTokenSecret ? new SharedSecret(accessTokenSecret) : keys, scan: keys },
              issuer,
            ),
        },
        {
          provide: Authenticator,
          inject: [TokenVerifier, KeyStore, AUTH_OPTIONS],
          useFactory: (
            verifier: TokenVerifier<'access' | 'scan'>,
            keys: KeyStore,
            { facts, factsInvalidations, keysInvalidations }: AuthOptions,
          ) =>
            new Authenticator(
              verifier,
              new VerifiedTokenCache(verifier, keys, keysInvalidations),
              new AccessFactsCache(facts, factsInvalidations),
            ),
        },
        { provide: IDENTITY_OF, inject: [AUTH_OPTIONS], useFactory: ({ identityOf }: AuthOptions) => identityOf },
        JwtStrategy,
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
      exports: [Authenticator, TokenVerifier],
    };
  }

  /** The app starts without the token service, too; until the keys are there guarded routes answer `auth_unavailable`. */
  onModuleInit(): void {
    void this.keys.start();
  }

  onModuleDestroy(): void {
    this.keys.stop();
  }
}

function keyStore({ keys, keysInvalidations }: AuthOptions): KeyStore {
  const store = new KeyStore(keys);
  store.follow(keysInvalidations);
  return store;
}
