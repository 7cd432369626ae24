import type { KeyObject } from 'node:crypto';
import type { ConfigDefinition, ConfigOf } from './config';
import { oneOf } from './scalars';
import { sharedSecret } from './secrets';

/**
 * How access tokens are signed and verified, the same for whoever does either. HS256 is for installations whose other
 * services share a secret; everything else that is signed stays ES256.
 */
export const accessTokenConfig = {
  GATEWAY_JWT_ALGORITHM: oneOf('How access tokens are signed: ES256, or HS256 for services that share a secret', [
    'ES256',
    'HS256',
  ]).default('ES256'),
  GATEWAY_JWT_SECRET: sharedSecret(
    'The secret of HS256, the same in token-service, gateway and the services that share it',
  )
    .meta({ neededWith: { variable: 'GATEWAY_JWT_ALGORITHM', value: 'HS256' } })
    .optional(),
};

type AccessTokenConfig = ConfigOf<ConfigDefinition<typeof accessTokenConfig>>;

/** @returns the key that access tokens are signed and verified with, where that is not a pair of the token service's */
export function accessTokenSecret(config: AccessTokenConfig): KeyObject | undefined {
  return config.GATEWAY_JWT_ALGORITHM === 'HS256' ? config.GATEWAY_JWT_SECRET : undefined;
}
