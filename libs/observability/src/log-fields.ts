import { describeError } from './describe-error';
import { mask } from './mask';

/**
 * The only fields that a log line may have. Whatever else is passed is dropped, so that nobody logs a password, a token
 * or a person's data by passing a whole object. A name comes in here when its values can never be any of those.
 */
const ALLOWED = [
  // which request and on whose behalf: identifiers alone
  'request_id',
  'trace_id',
  'span_id',
  'message_id',
  'user_id',
  'session_id',
  'company_id',
  'card_id',
  'scan_id',
  'kid',
  // HTTP: the route's pattern, never the address itself (it may hold a code)
  'method',
  'route',
  'status',
  'bytes',
  'origin',
  // bus
  'pattern',
  'caller',
  'callee',
  'lane',
  'replica',
  'stream',
  'entry_id',
  'consumer',
  'deliveries',
  // database
  'schema',
  'table',
  'constraint',
  'migration',
  // jobs
  'job_id',
  'job_kind',
  // process
  'component',
  'service',
  'version',
  'environment',
  'host',
  'port',
  'signal',
  'exit_code',
  'not_ready',
  // what happened
  'event',
  'code',
  'reason',
  'state',
  'attempt',
  'count',
  'duration_ms',
  'delay_ms',
] as const;

type AllowedField = (typeof ALLOWED)[number];
type LogValue = string | number | boolean | null | undefined | readonly string[];

/** What may be said along with a message. Of `error` only the safe parts are kept (see `describeError`). */
export type LogFields = { readonly [Field in AllowedField]?: LogValue } & { readonly error?: unknown };

const allowed: ReadonlySet<string> = new Set(ALLOWED);

/** Adds to a line what may be logged of an object. A field that it has takes the place of an earlier one, whatever it is. */
export function addLoggable(line: Record<string, unknown>, fields: LogFields = {}): Record<string, unknown> {
  for (const name in fields) {
    const value: unknown = fields[name as keyof LogFields];
    if (name === 'error') line[name] = describeError(value);
    else if (allowed.has(name)) line[name] = scalar(value);
  }
  return line;
}

function scalar(value: unknown): unknown {
  if (typeof value === 'string') return mask(value, 256);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.slice(0, 32).filter((item) => typeof item === 'string');
  return texts.map((text) => mask(text, 256));
}
