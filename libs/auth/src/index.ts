export { Authenticator } from './access/authenticator';
export { CurrentActor, CurrentScan } from './access/current';
export { type Identity, type UserIdentity, type ScanIdentity } from './access/identity';
export {
  InitialAuth,
  OptionalAuth,
  Public,
  type Requirement,
  requirementOf,
  ScanPass,
  StrictAuth,
} from './access/requirement';
export { AuthModule } from './auth.module';
export { bearerChallenge } from './http/bearer-challenge';
export { type RawRequest } from './http/bearer-token';
export { KeyStore } from './keys/key-store';
export { SharedSecret } from './keys/shared-secret';
export { type KeySource, MOST_KEYS, readKeySet } from './keys/verification-key';
export { type TicketClaims, TOKEN_KINDS } from './tokens/token-kinds';
export { TokenRejected } from './tokens/token-rejected';
export { type Expected, TokenVerifier } from './tokens/token-verifier';
