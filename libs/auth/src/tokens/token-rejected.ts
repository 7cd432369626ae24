/** At which check a token fell. For logs and tests: callers are told `expired` or not, and no more. */
export type RejectionReason =
  | 'form'
  | 'header'
  | 'algorithm'
  | 'type'
  | 'unknown_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'not_yet_valid'
  | 'claims'
  | 'expired';

/** A token that is not good. `expired` is said of genuine tokens alone: their signature was checked before. */
export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';

  constructor(readonly reason: RejectionReason) {
    super(`token rejected: ${reason}`);
  }
}
