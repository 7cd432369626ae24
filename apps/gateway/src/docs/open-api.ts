import { type INestApplication, Injectable } from '@nestjs/common';
import { ApiProperty, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeFields } from '@puerta/contracts';
import { ROLES } from '@puerta/contracts/core';
import { problemsOf } from '../routes/operation';
import { type Route, Routes } from '../routes/routes';
import { IDEMPOTENCY_HEADER, IDEMPOTENT_BY_KEY } from '../http/sender';
import { problemResponses } from './problem-responses';
import { ProblemSchema } from './problem.schema';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';

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
    const token = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const;
    const base = new DocumentBuilder()
      .setTitle('Puerta')
      .setDescription(DESCRIPTION)
      .setVersion('1')
      .addSecurity('access_token', { ...token, description: 'Of login, register, refresh or ensure-company' })
      .addSecurity('scan_pass', { ...token, description: 'Of GET /scan/{code}' })
      .build();
    describeFields(ApiProperty);
    const document = SwaggerModule.createDocument(this.#app, base, {
      extraModels: [ProblemSchema],
      operationIdFactory: (controller, method) => `${controller.replace('Controller', '').toLowerCase()}_${method}`,
    });
    for (const route of this.routes.all.filter(({ handler }) => problemsOf(handler)))
      complete(operationOf(document, route), route);
    return document;
  }
}

/** The path of a route as OpenAPI writes it. */
export function openApiPath({ pattern }: Pick<Route, 'pattern'>): string {
  return pattern.replace(/:(\w+)/g, '{$1}');
}

function operationOf(document: OpenAPIObject, route: Route): Operation {
  const operation = document.paths[openApiPath(route)]?.[route.method.toLowerCase() as Method];
  if (!operation) throw new Error(`${route.method} ${route.pattern} is not described`);
  return operation;
}

function complete(operation: Operation, route: Route): void {
  operation.security = securityOf(route);
  operation.description = [operation.description, needs(route)].filter(Boolean).join('\n\n');
  operation.responses = { ...operation.responses, ...problemResponses(route) };
  if (IDEMPOTENT_BY_KEY.includes(route.method)) {
    (operation.parameters ??= []).push({
      name: IDEMPOTENCY_HEADER,
      in: 'header',
      required: false,
      description: 'Makes asking again safe: a request with the key of an earlier one gets the answer of that one',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    });
  }
}

function securityOf({ requirement: { guard } }: Route): Operation['security'] {
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

function needs({ requirement }: Route): string {
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
