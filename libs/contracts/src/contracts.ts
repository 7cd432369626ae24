import { cardIssuerContract } from './card-issuer/card-issuer.contract';
import type { ServiceName } from './core';
import { identityContract } from './identity/identity.contract';
import { tokenServiceContract } from './token-service/token-service.contract';

/** How each service is asked. The gateway asks all of them, and nobody asks the gateway. */
export const contracts = {
  identity: identityContract,
  'card-issuer': cardIssuerContract,
  'token-service': tokenServiceContract,
} as const satisfies Record<Exclude<ServiceName, 'gateway'>, object>;
