import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AuthModule } from '@puerta/auth';
import { accessTokenSecret } from '@puerta/config';
import { type CheckAccessDto, contracts, followedBy, identityContract } from '@puerta/contracts';
import {
  BusClient,
  BusModule,
  InvalidationModule,
  InvalidationSubscriber,
  invalidationsOfService,
  ServiceClient,
} from '@puerta/messaging';
import { busClientOptions, busOptions, type Runtime, RuntimeModule } from '@puerta/service/runtime';
import { StorageModule } from '@puerta/storage';
import type { FastifyRequest } from 'fastify';
import { AssetsController } from './assets/assets.controller';
import { SiteFilesController } from './assets/site-files.controller';
import { CardBulksController } from './cards/card-bulks.controller';
import { CardPhotos } from './cards/card-photos';
import { CardsController } from './cards/cards.controller';
import { CompaniesController } from './companies/companies.controller';
import { InvitationsController } from './companies/invitations.controller';
import type { GatewayConfig, gatewayConfig } from './config';
import { DocsController } from './docs/docs.controller';
import { OpenApi } from './docs/open-api';
import { FilesController } from './files/files.controller';
import { CreatedInterceptor } from './routes/created.interceptor';
import { requestContextOf } from './request/request-context';
import { Routes } from './routes/routes';
import { RedisLimiter } from './limits/redis-limiter';
import { ProfileController } from './profile/profile.controller';
import { Assertions } from './proxy/assertions';
import { ScannedProfile } from './scans/scanned-profile';
import { ScanProfileController, ScansController } from './scans/scans.controller';
import { KeySetsController } from './service/key-sets.controller';
import { PublicKeys } from './service/public-keys';
import { Readiness } from './service/readiness';
import { ServiceController } from './service/service.controller';
import { SingleUseTokensController } from './tokens/single-use-tokens.controller';
import { UsersController } from './users/users.controller';

/** A guard must answer within a second; what it asks identity must come sooner. */
const FACTS_TTL_MS = 800;

/** All that the gateway serves by itself, wherever it runs. */
export const CONTROLLERS: readonly Type[] = [
  ServiceController,
  KeySetsController,
  UsersController,
  CompaniesController,
  InvitationsController,
  CardBulksController,
  CardsController,
  SingleUseTokensController,
  ScansController,
  ScanProfileController,
  DocsController,
  AssetsController,
  SiteFilesController,
  ProfileController,
  FilesController,
];

/** What another page, or a bucket, serves in its place. */
function isLeftOut(controller: Type, config: GatewayConfig): boolean {
  if (controller === ProfileController) return config.FRONTEND_PROFILE_URL !== undefined;
  return controller === FilesController && config.STORAGE_URL.kind !== 'folder';
}

@Module({})
export class AppModule {
  static forRoot(runtime: Runtime<typeof gatewayConfig>): DynamicModule {
    const { config, internal, metrics } = runtime;
    return {
      module: AppModule,
      global: true,
      imports: [
        RuntimeModule.forRoot(runtime),
        StorageModule.forRoot('gateway', config),
        BusModule.forRoot({ ...busClientOptions(runtime), calls: Object.values(contracts) }),
        InvalidationModule.forRoot({ ...busOptions(runtime), reader: runtime.name, services: followedBy('gateway') }),
        AuthModule.forRoot({
          inject: [PublicKeys, BusClient, invalidationsOfService('identity'), invalidationsOfService('token-service')],
          useFactory: (
            keys: PublicKeys,
            bus: BusClient,
            factsInvalidations: InvalidationSubscriber,
            keysInvalidations: InvalidationSubscriber,
          ) => {
            const identity = new ServiceClient(bus, identityContract);
            const streams = [factsInvalidations, keysInvalidations];
            metrics.gauge(
              'puerta_invalidation_streams_fresh',
              'Invalidation streams that are fresh',
              () => streams.filter((stream) => stream.fresh).length,
            );
            return {
              issuer: config.PUBLIC_URL,
              accessTokenSecret: accessTokenSecret(config),
              keys: () => keys.read('access'),
              facts: (subject: CheckAccessDto) => identity.request('access.check', subject, { ttlMs: FACTS_TTL_MS }),
              factsInvalidations,
              keysInvalidations,
              identityOf: (request: unknown) => requestContextOf(request as FastifyRequest).identity,
            };
          },
        }),
        DiscoveryModule,
      ],
      controllers: CONTROLLERS.filter((controller) => !isLeftOut(controller, config)),
      providers: [
        { provide: Readiness, useValue: new Readiness(internal) },
        { provide: RedisLimiter, useValue: new RedisLimiter(config.REDIS_URL, config.BUS_PREFIX) },
        Assertions,
        CardPhotos,
        ScannedProfile,
        Routes,
        OpenApi,
        PublicKeys,
        CreatedInterceptor,
      ],
      exports: [Assertions, PublicKeys, RedisLimiter],
    };
  }
}
