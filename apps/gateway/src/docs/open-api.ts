import { type INestApplication, Injectable } from '@nestjs/common';
import { ApiProperty, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeFields, schemaNameOf } from '@puerta/contracts';
import { ROLES } from '@puerta/contracts/core';
import { IDEMPOTENCY_HEADER } from '../http/sender';
import { operationOf, takesKey } from '../routes/operation';
import { type OwnRoute, Routes } from '../routes/routes';
import { exampleOf, type Schema, type Schemas } from './examples';
import { HEADERS, headers, headersOf, headersOfStatus } from './headers';
import { problemComponents, problemResponses } from './problem-responses';
import { ProblemSchema } from './problem.schema';
import { TAGS } from './tags';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';
type Response = Exclude<Operation['responses'][string], { $ref: string } | undefined>;
type Content = NonNullable<Response['content']>;

const DESCRIPTION = `Issues credentials that people carry, and checks them at the door.

Errors are RFC 9457 problems; programs branch on \`code\`. Every answer has \`X-Request-ID\`. Unknown fields and query
parameters are refused. Limits are told by \`RateLimit\` and \`RateLimit-Policy\`, and by \`Retry-After\` when they are
reached. Times are RFC 3339 in UTC; absent values are \`null\`.`;

/** The description of the API: what controllers declare, and what follows from each route's guard, body and method. */
@Injectable()
export class OpenApi {
  #app: INestApplication | undefined;
  #document: OpenAPIObject | undefined;

  constructor(private readonly routes: Routes) {}

  /** Told once which application is described; a provider cannot know the application it is part of. */
  describe(app: INestApplication): void {
    this.#app = app;
  }

  /** Made when it is asked for first: it takes longer than all else at start, and most replicas are never asked. */
  get document(): OpenAPIObject {
    return (this.#document ??= this.#make());
  }

  #make(): OpenAPIObject {
    if (!this.#app) throw new Error('describe() was not called');
    describeFields(ApiProperty);
    const document = SwaggerModule.createDocument(this.#app, base(), {
      extraModels: [ProblemSchema],
      operationIdFactory: (_controller, method) => method,
    });
    const routes = this.routes.all.filter(({ handler }) => operationOf(handler));
    for (const route of routes) complete(find(document, route), route, document.components?.schemas ?? {});
    document.components = { ...document.components, headers: HEADERS, ...problemComponents(routes) };
    return renamed(document);
  }
}

function base(): Omit<OpenAPIObject, 'paths'> {
  const token = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const;
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Puerta')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setContact('Who operates this installation', '', '')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'The installation that serves this document')
    .addSecurity('access_token', { ...token, description: 'Of login, register, refresh or ensure-company' })
    .addSecurity('scan_pass', { ...token, description: 'Of GET /scan/{code}' });
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  return builder.build();
}

/** The path of a route as OpenAPI writes it. */
export function openApiPath({ pattern }: Pick<OwnRoute, 'pattern'>): string {
  return pattern.replace(/:(\w+)/g, '{$1}');
}

function find(document: OpenAPIObject, route: OwnRoute): Operation {
  const operation = document.paths[openApiPath(route)]?.[route.method.toLowerCase() as Method];
  if (!operation) throw new Error(`${route.method} ${route.pattern} is not described`);
  return operation;
}

/** Adds to what a controller declares what follows from the rest of its route. */
function complete(operation: Operation, route: OwnRoute, schemas: Schemas): void {
  const { method, handler, file } = route;
  const { createdAt, revalidates, status } = operationOf(handler) ?? {};
  const parameters = (operation.parameters ??= []);
  operation.security = securityOf(route);
  operation.description = [operation.description, needs(route)].filter(Boolean).join('\n\n');
  for (const [code, response] of Object.entries(operation.responses) as [string, Response][]) {
    const leads = code === '302' || (createdAt && code === String(status));
    const own = [...(leads ? ['Location'] : []), ...(revalidates ? ['ETag'] : [])];
    response.headers = { ...headersOf(route), ...headersOfStatus(code), ...headers(...own) };
    addExamples(response.content, schemas);
  }
  if (revalidates) {
    const description = 'The ETag of what you have';
    parameters.push({ name: 'If-None-Match', in: 'header', required: false, description, schema: { type: 'string' } });
    operation.responses['304'] = { ...operation.responses['200'], description: 'You have it already', content: {} };
  }
  for (const [code, problem] of Object.entries(problemResponses(route)) as [string, Response][]) {
    const { content } = (operation.responses[code] ?? {}) as Response;
    operation.responses[code] = content ? { ...problem, content: { ...content, ...problem.content } } : problem;
  }
  // Bytes have no schema: see contentOf() in ../routes/operation.ts.
  if (file)
    operation.requestBody = { required: true, content: Object.fromEntries(file.types.map((type) => [type, {}])) };
  else addExamples((operation.requestBody as { content?: Content } | undefined)?.content, schemas);
  if (takesKey(method, handler)) {
    parameters.push({
      name: IDEMPOTENCY_HEADER,
      in: 'header',
      required: false,
      description: 'Makes asking again safe: a request with the key of an earlier one gets the answer of that one',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    });
  }
}

function addExamples(content: Content | undefined, schemas: Schemas): void {
  for (const media of Object.values(content ?? {})) {
    const example = media.schema && exampleOf(media.schema as Schema, schemas);
    if (example !== undefined) media.example = example;
  }
}

/** With the names by which callers know the schemas, in alphabetical order. */
function renamed(document: OpenAPIObject): OpenAPIObject {
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) => [schemaNameOf(name), schema] as const,
  );
  const sorted = Object.fromEntries(schemas.sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = JSON.stringify({ ...document, components: { ...document.components, schemas: sorted } });
  return JSON.parse(
    text.replace(
      /"#\/components\/schemas\/(\w+)"/g,
      (_, name: string) => `"#/components/schemas/${schemaNameOf(name)}"`,
    ),
  ) as OpenAPIObject;
}

function securityOf({ requirement: { guard } }: OwnRoute): Operation['security'] {
  switch (guard) {
    case 'public':
      return [];
    case 'optional':
      return [{ access_token: [] }, {}];
    case 'scan':
      return [{ scan_pass: [] }];
    default:
      return [{ access_token: [] }];
  }
}

function needs({ requirement }: OwnRoute): string {
  switch (requirement.guard) {
    case 'public':
      return 'Open to anybody.';
    case 'optional':
      return 'Open to anybody; a token that is sent must be good.';
    case 'scan':
      return 'Needs a scan pass.';
    case 'initial':
      return 'Needs an access token.';
    case 'strict': {
      const roles = ROLES.slice(ROLES.indexOf(requirement.leastRole)).join(', ');
      return `Needs the access token of an active member of a company, with one of the roles ${roles}.`;
    }
  }
}
