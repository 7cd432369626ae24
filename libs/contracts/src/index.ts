export * from './card-issuer/card-issuer.contract';
export * from './card-issuer/cards.dto';
export * from './core';
export * from './identity/companies.dto';
export * from './identity/identity.contract';
export * from './identity/users.dto';
export * from './token-service/token-service.contract';
export * from './validation';
