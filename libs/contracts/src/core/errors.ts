import type { PasswordFlaw } from './password';

/**
 * Every error Puerta answers with, by its kind, which is all that libraries look at. Statuses and sentences are the
 * gateway's (apps/gateway/src/problems/catalogue.ts).
 */
const CODES = {
  /** The request cannot be met as it was asked: not retried. */
  refused: [
    'malformed_json',
    'bad_request',
    'path_ambiguous',
    'origin_not_allowed',
    'transfer_coding_not_supported',
    'session_mismatch',
    'not_found',
    'method_not_allowed',
    'request_timeout',
    'payload_too_large',
    'uri_too_long',
    'unsupported_media_type',
    'validation_failed',
    'idempotency_mismatch',
    'headers_too_large',
    'http_version_not_supported',
    'too_many_requests',
    'too_many_attempts',
    'company_required',
    'not_a_member',
    'role_required',
    'forbidden',
    'email_taken',
    'user_not_found',
    'company_not_found',
    'company_unresolved',
    'company_not_joinable',
    'company_creation_closed',
    'invitation_not_found',
    'invitation_invalid',
    'invitation_for_another',
    'card_not_found',
    'card_number_taken',
    'card_state_conflict',
    'token_unknown',
    'token_binding_mismatch',
    'token_used',
    'token_expired',
    'job_not_found',
  ],
  /** Who asks has not shown who they are. */
  unauthenticated: [
    'unauthenticated',
    'access_token_invalid',
    'access_token_expired',
    'session_revoked',
    'invalid_credentials',
    'refresh_token_invalid',
    'refresh_token_reused',
    'scan_expired',
  ],
  /** Nothing happened, and the same request may succeed later. */
  unavailable: ['service_unavailable', 'auth_unavailable', 'overloaded', 'upstream_unavailable'],
  /** Something may have happened. */
  failed: ['internal', 'outcome_unknown', 'upstream_unreachable', 'upstream_timeout'],
} as const;

export type ErrorKind = keyof typeof CODES;
export type ErrorCode = (typeof CODES)[ErrorKind][number];

const KINDS: ReadonlyMap<unknown, ErrorKind> = new Map(
  Object.entries(CODES).flatMap(([kind, codes]) => codes.map((code) => [code, kind as ErrorKind])),
);

export function isErrorCode(value: unknown): value is ErrorCode {
  return KINDS.has(value);
}

export function kindOf(code: ErrorCode): ErrorKind {
  return KINDS.get(code) as ErrorKind;
}

/** Why one field was refused. The gateway turns it into a sentence in the reader's language. */
export interface FieldError {
  /** Dotted path: `holder.name`, `items.0.quantity`. */
  readonly field: string;
  readonly code: FieldErrorCode;
  /** Numbers or choices the sentence needs, e.g. `{ max: 120 }`. Never the refused value. */
  readonly params?: Readonly<Record<string, number | string>>;
}

export type FieldErrorCode =
  | 'required'
  | 'unknown_field'
  | 'repeated'
  | 'wrong_type'
  | 'too_short'
  | 'too_large'
  | 'too_long'
  | 'forbidden_characters'
  | 'bad_format'
  | 'mixed_scripts'
  | 'out_of_range'
  | 'bad_choice'
  | 'wrong_count'
  | 'conflicts'
  | 'common_password'
  | PasswordFlaw
  | 'no_such_member'
  | 'too_deep';

/** Facts that travel with an error and that a caller may see, e.g. `{ retry_after: 30 }`. */
export type ErrorMeta = Readonly<Record<string, string | number | boolean | null>>;

/** An expected refusal, named by its code. The only kind of error that crosses from a service to its caller as it is. */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  /**
   * @param code what went wrong, from the closed list.
   * @param extra `errors`: the refused fields of `validation_failed`; `meta`: facts that the caller may see.
   */
  constructor(
    readonly code: ErrorCode,
    readonly extra: {
      readonly errors?: readonly FieldError[];
      readonly meta?: ErrorMeta;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, extra.cause === undefined ? undefined : { cause: extra.cause });
  }
}
