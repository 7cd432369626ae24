import { types } from 'node:util';
import { mask } from './mask';

/** The parts of an error that are safe to log. */
export interface DescribedError {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly constraint?: string;
  /** Frames alone: the first line of a stack repeats the message. */
  readonly stack?: string;
  readonly cause?: DescribedError;
}

const MAX_DEPTH = 4;
const MAX_FRAMES = 20;

/**
 * Messages of errors often repeat what was wrong: a JSON parser quotes the text, PostgreSQL the value, V8 the string
 * on which a property could not be set. So a message is kept only when its kind is known to hold no data; otherwise
 * type, code and the frames of the stack must do, and they say where it happened.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!isError(error)) return { type: error === null ? 'null' : typeof error };
  const fields = error as Error & Record<string, unknown>;
  // TypeORM wraps the driver's error and copies its fields, query and parameters among them.
  const inner = fields['driverError'] === error ? undefined : fields['driverError'];
  const described = {
    type: identifier(error.constructor.name) ?? identifier(error.name) ?? 'Error',
    code: identifier(fields['code']),
    message: isMessageSafe(fields) ? mask(error.message, 500) : systemMessage(fields),
    schema: identifier(fields['schema']),
    table: identifier(fields['table']),
    constraint: identifier(fields['constraint']),
    stack: frames(error),
    cause: depth < MAX_DEPTH ? causeOf(fields, inner, depth) : undefined,
  };
  return withoutUndefined(described);
}

function causeOf(fields: Record<string, unknown>, inner: unknown, depth: number): DescribedError | undefined {
  const many = fields['errors'];
  const first: unknown = Array.isArray(many) ? many.find(isError) : undefined;
  const cause = inner ?? fields['cause'] ?? first;
  return isError(cause) ? describeError(cause, depth + 1) : undefined;
}

/** Also those of another realm (`vm`), and those that are errors by inheritance alone (`DOMException`). */
function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** A class of errors says itself that its messages hold no data, with `static readonly messageIsSafe = true`. */
function isMessageSafe(error: Error & Record<string, unknown>): boolean {
  const declared = (error.constructor as { messageIsSafe?: unknown }).messageIsSafe === true;
  return declared || KNOWN_TYPES.has(error.constructor.name) || isSafePostgresError(error);
}

/** Errors of libraries whose messages are made of names in the source and of addresses in the configuration. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'DomainError',
  'ConfigError',
  'ReferenceError',
  'UnknownDependenciesException',
  'UndefinedDependencyException',
  'UndefinedForwardRefException',
  'UndefinedModuleException',
  'InvalidModuleException',
  'InvalidClassModuleException',
  'UnknownElementException',
  'UnknownExportException',
  'CircularDependencyException',
  'MaxRetriesPerRequestError',
  'AbortError',
  'TimeoutError',
]);

/**
 * Classes of SQLSTATE whose messages name tables, columns, constraints, roles or addresses. Of the others, class 22
 * above all ("invalid input syntax for type uuid: …") quotes values. Details, which hold whole rows, are never kept.
 */
const SAFE_SQLSTATE = /^(?:08|23|25|26|28|3D|3F|40|42|53|54|55|57|58)[0-9A-Z]{3}$/;

function isSafePostgresError(error: Record<string, unknown>): boolean {
  return (
    typeof error['severity'] === 'string' && typeof error['code'] === 'string' && SAFE_SQLSTATE.test(error['code'])
  );
}

/** Errors of the operating system say what was tried where, without the path of a file. */
function systemMessage(error: Record<string, unknown>): string | undefined {
  const { syscall, code, address, port } = error;
  if (typeof syscall !== 'string' || !/^[a-z_]{1,32}$/i.test(syscall) || identifier(code) === undefined)
    return undefined;
  const where = typeof address === 'string' && typeof port === 'number' ? ` ${mask(address, 64)}:${port}` : '';
  return `${syscall} ${String(code)}${where}`;
}

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w$.:-]{1,64}$/.test(value) ? value : undefined;
}

/** The message is taken out first, for it may have lines that look like frames. */
function frames({ stack = '', message }: Error): string | undefined {
  const lines = stack
    .replace(message, () => '')
    .split('\n')
    .filter((line) => /^\s{2,}at .{1,300}(?::\d+:\d+\)?|\(<anonymous>\)|native\))$/.test(line));
  return lines.length === 0
    ? undefined
    : lines
        .slice(0, MAX_FRAMES)
        .map((line) => line.trim())
        .join('\n');
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
