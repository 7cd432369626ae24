import { types } from 'node:util';
import { DomainError } from '@puerta/contracts/core';

/** A connection that could not be made: nothing was sent. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN']);
/** A connection that broke, if it was not just being made. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Marks the error of a connection that was never there, however it was lost. */
export const NOT_CONNECTED = Symbol('not connected');
/** The same two of pg and TypeORM, which have no codes for them; a statement on a connection known to be lost is not sent. */
const NO_CONNECTION = [
  'timeout exceeded when trying to connect',
  'Connection terminated due to connection timeout',
  'Cannot use a pool after calling end',
  'Client was closed',
  'Client has encountered a connection error',
  'Query runner already released',
  'Database connection provided by a query runner was already released',
  'Driver not Connected',
];
const LOST = ['Connection terminated'];

/** The server refuses work for now: connection exceptions, too few resources, read-only after a failover (SQLSTATE). */
const REFUSED = /^(?:08|53|57P0|25006)/;

/** The statement was undone because of what others were doing: timeouts, deadlocks, serialisation failures. */
const CONTENDED = /^(?:55P03|57014|40001|40P01)$/;

export type DatabaseFailure =
  /** Nothing was done: PostgreSQL cannot be reached or refuses work. */
  | 'service_unavailable'
  /** The connection was lost while a statement ran: outside a transaction it may have been done. */
  | 'outcome_unknown'
  /** Nothing was done: it would have taken too long. */
  | 'overloaded';

/** The code with which a caller is answered after an error of the database that is nobody's mistake; undefined for all others. */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  for (const cause of causesOf(error)) {
    const code = typeof cause['code'] === 'string' ? cause['code'] : '';
    const connecting = cause['syscall'] === 'connect' || NOT_CONNECTED in cause || begins(cause, NO_CONNECTION);
    if (connecting || UNREACHABLE.has(code)) return 'service_unavailable';
    if (BROKEN.has(code) || begins(cause, LOST)) return 'outcome_unknown';
    // It undoes what was not committed.
    if (endsSession(cause)) return 'service_unavailable';
    const { severity } = cause;
    if (severity !== undefined && REFUSED.test(code)) return 'service_unavailable';
    if (severity !== undefined && CONTENDED.test(code)) return 'overloaded';
  }
  return undefined;
}

/** Whether PostgreSQL has said by this error that the connection is at its end, or refused. */
export function endsSession(error: unknown): boolean {
  const { severity } = (error ?? {}) as { readonly severity?: unknown };
  return severity === 'FATAL' || severity === 'PANIC';
}

/** The same error as a DomainError if it is nobody's mistake, else the error itself. */
export function asDomainError(error: unknown): unknown {
  const failure = error instanceof DomainError ? undefined : databaseFailure(error);
  return failure === undefined ? error : new DomainError(failure, { cause: error });
}

/**
 * Whether a statement failed by violating that constraint (unique, foreign key, check, exclusion or not null), so that
 * "taken" is known from the constraint and never by looking first.
 */
export function violates(error: unknown, constraint: string): boolean {
  return causesOf(error).some((cause) => String(cause['code']).startsWith('23') && cause['constraint'] === constraint);
}

type Cause = Error & { readonly severity?: unknown } & Readonly<Record<string | symbol, unknown>>;

const begins = ({ message }: Cause, texts: readonly string[]): boolean =>
  texts.some((text) => message.startsWith(text));

/** An error, what it wraps (TypeORM's `driverError`), and the several of an AggregateError (one per address tried). */
function causesOf(error: unknown, depth = 0): Cause[] {
  // Not by instanceof: an error of node's own may come from another realm.
  if (!types.isNativeError(error) || depth > 3) return [];
  const cause = error as Cause;
  const many = Array.isArray(cause['errors']) ? (cause['errors'] as unknown[]) : [];
  return [...[cause['driverError'], ...many].flatMap((inner) => causesOf(inner, depth + 1)), cause];
}
