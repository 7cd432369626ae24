export { type AclOptions, aclRules } from './operations/acl';
export { BusModule, type BusModuleOptions, InjectService } from './bus.module';
export { BusClient, type CallOptions, type Target } from './caller/client';
export { RedisClock } from './connection/clock';
export { Connection, type ConnectionOptions, wasNotRun } from './connection/connection';
export { BusContext, type CallContext, callContext } from './wire/context';
export {
  type Lane,
  LANES,
  type PatternOf,
  type PatternSpec,
  type RequestOf,
  type ResponseOf,
  type ServiceContract,
} from './wire/contract';
export { createBusService } from './callee/create-bus-service';
export { type DeadLetter, DeadLetters } from './operations/dead-letters';
export { BusError, type BusErrorCode, type WireError } from './wire/errors';
export {
  InvalidationModule,
  type InvalidationModuleOptions,
  invalidationsOfService,
} from './invalidation/invalidation.module';
export {
  type InvalidationListener,
  InvalidationSubscriber,
  type InvalidationSubscriberOptions,
} from './invalidation/invalidation-subscriber';
export {
  HEARTBEAT_MS,
  type Invalidation,
  type InvalidationOptions,
  InvalidationPublisher,
} from './invalidation/invalidation-publisher';
export { BUS_TRANSPORT, Handles } from './callee/handles';
export { type CalleeStatus, inspect, type StreamStatus } from './operations/inspect';
export {
  type BusClientOptions,
  type BusEvent,
  type BusLogger,
  type BusOptions,
  type BusServerOptions,
} from './options';
export { redisOptions } from './connection/redis-options';
export { parseRedisUrl } from './connection/redis-url';
export { LUA_NOW, Script } from './wire/scripts';
export { Sealer, type SealingKeys } from './wire/sealer';
export { BusServer } from './callee/server';
export { ServiceClient } from './caller/service-client';
export { throttled } from './throttled';
