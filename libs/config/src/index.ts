export { commonConfig, databaseConfig } from './common';
export {
  type ConfigDefinition,
  ConfigError,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  loadConfig,
  type Shape,
} from './config';
export { accessTokenConfig, accessTokenSecret } from './access-tokens';
export { describeConfig, type VariableDescription } from './describe';
export { gatewayPostgresConfig, gatewayPostgresUrl } from './gateway-postgres';
export { cidrs, host, port } from './network';
export { isPlaceholder } from './placeholders';
export type { Environ } from './read-text';
export { flag, integer, keyPrefix, logLevel, type LogLevel, oneOf, seconds, uuid } from './scalars';
export { keyring, Keyring, password, secret, sharedSecret } from './secrets';
export { type BucketPlace, type FolderPlace, storageConfig, type StoragePlace, storageUrl } from './storage';
export { databaseUrl, httpUrl, origin, origins, publicUrl, redisUrl } from './urls';
export { type Environment, Unfit, type Variable, variable, type VariableMeta } from './variable';
