import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

const DOCUMENT = resolve(__dirname, '../../../docs/openapi.json');

/** An answer of the gateway, with what was asked. */
export interface Exchange {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  /** As `HttpClient` gives it: parsed where it is JSON. */
  readonly body: unknown;
}

type Schema = Record<string, unknown>;
type Referred<T> = T | { readonly $ref: string };
interface Header {
  readonly required?: boolean;
  readonly schema: Schema;
}
type Content = Record<string, { readonly schema?: Schema; readonly example?: object }>;
interface Response {
  readonly description: string;
  readonly headers?: Record<string, Referred<Header>>;
  readonly content?: Content;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly format?: string; readonly pattern?: string };
}
interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Record<string, Referred<Response>>;
}

/** How a route is asked and answers, as the document shows it. */
export interface Example {
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
  readonly status: number;
  readonly answer: object | undefined;
}

/** As much of an OpenAPI document as is looked at here. */
export interface ApiDocument {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

/** Headers that say nothing about one route: of HTTP itself, of caches and of browsers. */
const EVERYWHERE =
  /^(connection|keep-alive|date|content-length|content-type|transfer-encoding|vary|cache-control|allow|access-control-.*|strict-transport-security|content-security-policy|cross-origin-.*|permissions-policy|referrer-policy|x-(content-type-options|frame-options|dns-prefetch-control|download-options|permitted-cross-domain-policies|xss-protection|robots-tag)|origin-agent-cluster)$/;

/**
 * Holds an answer to docs/openapi.json: status, content type, headers and body, in which nothing may be that the document
 * does not declare.
 *
 * Of what the document does not describe (pages, addresses where there is nothing) only problems are held to it.
 *
 * @throws Error that says what differs
 */
export function expectDescribed(exchange: Exchange): void {
  const { method, path, status, headers, body } = exchange;
  const faults = description().faultsOf(exchange);
  if (faults.length === 0) return;
  const shown = typeof body === 'object' && !ArrayBuffer.isView(body) ? JSON.stringify(body) : typeof body;
  throw new Error(
    `${method} ${path} answered ${status} ${headers.get('content-type') ?? ''}, which is not what docs/openapi.json says ` +
      `(npm run docs writes it anew):\n${faults.slice(0, 10).join('\n')}\n${shown.slice(0, 1_000)}`,
  );
}

/** All that docs/openapi.json has, by the names that it gives. */
export function examples(): ReadonlyMap<string, Example> {
  return description().examples;
}

/** What a route answers in docs/openapi.json, for fakes to answer: `answerOf('getCard')`. */
export function answerOf(operationId: string): object {
  const answer = examples().get(operationId)?.answer;
  if (!answer) throw new Error(`docs/openapi.json has no answer of ${operationId}`);
  return answer;
}

/** One for all suites of a worker: reading and compiling take longer than checking thousands of answers. */
function description(): DescribedApi {
  const shared = globalThis as { [KEY]?: DescribedApi };
  return (shared[KEY] ??= new DescribedApi(JSON.parse(readFileSync(DOCUMENT, 'utf8')) as ApiDocument));
}
const KEY = Symbol.for('puerta.openapi');

/** An OpenAPI document as something to hold answers to. */
export class DescribedApi {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  readonly #paths: { readonly pattern: RegExp; readonly name: string }[];
  readonly #validators = new Map<object, ValidateFunction>();
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(private readonly document: ApiDocument) {
    addFormats(this.#ajv);
    this.#ajv.addSchema({ $id: 'api', components: { schemas: closed(document.components['schemas'] ?? {}) } });
    const parameters = (name: string): number => name.split('{').length;
    this.#paths = Object.keys(document.paths)
      .sort((a, b) => parameters(a) - parameters(b))
      .map((name) => ({ name, pattern: new RegExp(`^${name.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }));
  }

  /** What of an answer is not as described. */
  faultsOf(exchange: Exchange): string[] {
    const { method, path, status, headers } = exchange;
    if (method === 'OPTIONS' && status === 204) return [];
    const methods = this.document.paths[this.#paths.find(({ pattern }) => pattern.test(path))?.name ?? ''];
    const operation = methods?.[method.toLowerCase()] ?? (method === 'HEAD' ? methods?.['get'] : undefined);
    if (!operation) return isProblem(headers) ? this.#problemFaults(exchange) : [];
    const declared = operation.responses[status] ?? (status >= 400 ? operation.responses['default'] : undefined);
    if (!declared) return [`status ${status} is not declared`];
    const response = this.#find(declared);
    return [...this.#headerFaults(response, headers), ...this.#bodyFaults(response, exchange)];
  }

  get examples(): ReadonlyMap<string, Example> {
    const first = (content: Content = {}): object | undefined => Object.values(content)[0]?.example;
    const all = Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, requestBody, responses }]) => {
        const status = Object.keys(responses).find((one) => /^[23]/.test(one)) ?? '';
        const { content } = this.#find(responses[status] ?? { description: '' });
        const [body, answer] = [first(requestBody?.content), first(content)];
        return [operationId, { method: method.toUpperCase(), path, body, status: Number(status), answer }] as const;
      }),
    );
    return new Map(all);
  }

  #problemFaults({ headers, body, method }: Exchange): string[] {
    const schema = { $ref: '#/components/schemas/Problem' };
    if (!headers.has('x-request-id')) return ['header x-request-id is missing'];
    return method === 'HEAD' ? [] : this.#schemaFaults(schema, body);
  }

  #headerFaults({ headers: declared = {} }: Response, headers: Headers): string[] {
    const names = new Set(Object.keys(declared).map((name) => name.toLowerCase()));
    const others = [...headers.keys()].filter((name) => !names.has(name) && !EVERYWHERE.test(name));
    const faults = Object.entries(declared).flatMap(([name, reference]) => {
      const { required, schema } = this.#find(reference);
      const value = headers.get(name);
      if (value === null) return required ? [`header ${name} is missing`] : [];
      const typed = schema['type'] === 'integer' && /^\d+$/.test(value) ? Number(value) : value;
      return this.#schemaFaults(schema, typed).map((fault) => `header ${name} "${value}": ${fault}`);
    });
    return [...others.map((name) => `header ${name} is not declared`), ...faults];
  }

  #bodyFaults({ content = {} }: Response, { method, status, headers, body }: Exchange): string[] {
    const isEmpty = body === '' || (ArrayBuffer.isView(body) && body.byteLength === 0);
    if (method === 'HEAD' || status === 304) return isEmpty ? [] : ['a body where none belongs'];
    const type = headers.get('content-type')?.split(';', 1)[0];
    if (Object.keys(content).length === 0) return isEmpty ? [] : ['a body, and none is declared'];
    const media = content[type ?? ''];
    if (!media) return [`content type ${type} is not declared`];
    return media.schema ? this.#schemaFaults(media.schema, ArrayBuffer.isView(body) ? String(body) : body) : [];
  }

  #schemaFaults(schema: Schema, value: unknown): string[] {
    let validate = this.#validators.get(schema);
    if (!validate) {
      validate = this.#validatorOf(JSON.stringify(close(schema)).replaceAll('"#/', '"api#/'));
      this.#validators.set(schema, validate);
    }
    validate(value);
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath || 'the body', message, JSON.stringify(params)].join(' '),
    );
  }

  /** Most schemas are written at many routes: each is compiled once, since that takes longer than a hundred answers. */
  #validatorOf(text: string): ValidateFunction {
    let validate = this.#compiled.get(text);
    if (!validate) this.#compiled.set(text, (validate = this.#ajv.compile(JSON.parse(text) as Schema)));
    return validate;
  }

  #find<T>(referred: Referred<T>): T {
    if (!(typeof referred === 'object' && referred !== null && '$ref' in referred)) return referred;
    const [, , kind = '', name = ''] = referred.$ref.split('/');
    return this.document.components[kind]?.[name] as T;
  }
}

function isProblem(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('application/problem+json') ?? false;
}

/**
 * The schemas, closed: the document leaves open what an answer may have one day, but today it has nothing else. A schema is
 * closed where it is used, since one that others are made of must not be closed in itself.
 */
function closed(schemas: Record<string, unknown>): Schema {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closeParts(schema as Schema)]));
}

function close(schema: Schema): Schema {
  const parts = closeParts(schema);
  return '$ref' in parts || 'properties' in parts || 'allOf' in parts
    ? { ...parts, unevaluatedProperties: false }
    : parts;
}

function closeParts({ properties, items, anyOf, ...rest }: Schema): Schema {
  const map = (all: object): Schema => Object.fromEntries(Object.entries(all).map(([name, one]) => [name, close(one)]));
  return {
    ...rest,
    ...(properties ? { properties: map(properties) } : {}),
    ...(items ? { items: close(items as Schema) } : {}),
    ...(anyOf ? { anyOf: (anyOf as Schema[]).map(close) } : {}),
  };
}
