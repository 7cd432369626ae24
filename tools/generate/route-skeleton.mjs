// @ts-check
/** The files of a route, as they begin. What they do is small, and whole: a read tells what it was asked, a write keeps it. */
import { camel } from './names.mjs';

/**
 * @typedef {object} Route
 * @property {string} method
 * @property {string} path
 * @property {string} service
 * @property {string} guard
 * @property {boolean} changes
 * @property {string} feature
 * @property {string} verb
 * @property {string[]} parameters of the path
 * @property {string} below the path within that of the controller
 * @property {string} pattern
 * @property {string} file
 * @property {string} Class
 * @property {string} handler
 * @property {string} contract
 * @property {string} table
 */

/** @param {Route} route whether what it takes is in the body; else in the query */
const hasBody = ({ method }) => ['POST', 'PUT', 'PATCH'].includes(method);

/** The class that the pattern takes. @param {Route} route */
export const requestOf = ({ Class, parameters }) => `${Class}${parameters.length > 0 ? 'Command' : 'Dto'}`;

/** @param {Route} route */
const fieldsOf = ({ parameters }) => parameters.map((name) => `  @Id()\n  ${name}: string;\n`).join('\n');

/** @param {Route} route */
export function dto(route) {
  const { method, path, Class, parameters, changes } = route;
  const place = `
/** Which one: the parameters of the path. */
export class ${Class}PlaceDto {
${fieldsOf(route)}}

/** Both, as the service is asked. */
export class ${Class}Command extends ${Class}Dto {
${fieldsOf(route)}}
`;
  return `import { ${changes || parameters.length > 0 ? 'Id, ' : ''}Text, Timestamp } from '../validation';

/** What \`${method} ${path}\` takes. */
export class ${Class}Dto {
  @Text({ max: 200${hasBody(route) ? '' : ', optional: true'} })
  text${hasBody(route) ? ': string' : '?: string | null'};
}
${parameters.length > 0 ? place : ''}
/** What it answers. */
export class ${Class}Answer {
${changes ? '  @Id()\n  id: string;\n\n' : ''}  @Text({ max: 200 })
  text: string;

  @Timestamp()
  at: string;
}
`;
}

/** @param {Route} route */
export function messages(route) {
  const { feature, handler, pattern, Class, contract, file } = route;
  const request = requestOf(route);
  return `import { Controller } from '@nestjs/common';
import { type ${Class}Answer, ${request}, ${contract} } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { ${Class}Service } from './${file}.service';

@Controller()
export class ${Class}Messages {
  constructor(private readonly ${camel(feature)}: ${Class}Service) {}

  @Handles(${contract}, '${pattern}')
  ${handler}(dto: ${request}, call: Call): Promise<${Class}Answer> {
    return this.${camel(feature)}.${handler}(dto, call);
  }
}
`;
}

/** @param {Route} route */
export function service(route) {
  return route.changes ? writingService(route) : readingService(route);
}

/** How the service knows who asks, whatever the gateway has seen to. @param {Route} route */
function actorOf({ guard }) {
  const [kind, role] = guard.split(':');
  if (kind === 'public') return { imports: 'type Call', throws: '', user: 'call.actor?.user_id' };
  const name = role ? 'memberOf' : 'actorOf';
  return {
    imports: `${name}, type Call`,
    throws: `@throws DomainError \`unauthenticated\`${role ? ', `company_required`, `role_required`' : ''}`,
    user: `${name}(call${role ? `, '${role}'` : ''}).user_id`,
  };
}

/** @param {Route} route */
function readingService(route) {
  const { Class, handler } = route;
  const request = requestOf(route);
  const { imports, throws, user } = actorOf(route);
  return `import { Injectable } from '@nestjs/common';
import type { ${Class}Answer, ${request} } from '@puerta/contracts';
import { ${imports} } from '@puerta/service';

@Injectable()
export class ${Class}Service {
  ${throws && `/** ${throws} */
  `}async ${handler}(dto: ${request}, call: Call): Promise<${Class}Answer> {
    const userId = ${user}${throws ? '' : " ?? 'anybody'"};
    return { text: dto.text ?? \`for \${userId}\`, at: new Date().toISOString() };
  }
}
`;
}

/** @param {Route} route */
function writingService(route) {
  const { Class, handler, table } = route;
  const request = requestOf(route);
  const { imports, throws, user } = actorOf(route);
  const text = hasBody(route) ? 'dto.text' : "dto.text ?? ''";
  return `import { Injectable } from '@nestjs/common';
import type { ${Class}Answer, ${request} } from '@puerta/contracts';
import { Inbox } from '@puerta/database';
import { ${imports} } from '@puerta/service';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';

@Injectable()
export class ${Class}Service {
  constructor(
    private readonly inbox: Inbox,
    private readonly dataSource: DataSource,
  ) {}

  /** Once, however often it is asked under one Idempotency-Key. ${throws} */
  async ${handler}(dto: ${request}, call: Call): Promise<${Class}Answer> {
    const userId = ${user};
    return this.inbox.answer(
      dto,
      call,
      async (tx) => {
        const answer = { id: uuidv7(), text: ${text}, at: new Date().toISOString() };
        const { id, text, at } = answer;
        await tx.query('INSERT INTO ${table} (id, user_id, text, at) VALUES ($1, $2, $3, $4)', [id, userId, text, at]);
        return { reference: { id }, answer };
      },
      ({ id }) => this.find(id),
    );
  }

  private async find(id: string): Promise<${Class}Answer> {
    const [row] = await this.dataSource.query<[{ text: string; at: Date }]>('SELECT text, at FROM ${table} WHERE id = $1', [id]);
    return { id, text: row.text, at: row.at.toISOString() };
  }
}
`;
}

/** @param {Route} route @param {number} time */
export function migration({ Class, table }, time) {
  return `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${Class}${time} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(\`CREATE TABLE ${table} (
      id uuid CONSTRAINT ${table}_pkey PRIMARY KEY,
      user_id uuid,
      text text NOT NULL,
      at timestamptz(3) NOT NULL
    )\`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ${table}');
  }
}
`;
}

/** @param {Route} route */
export function controller(route) {
  const { method, path, feature, handler, pattern, Class, contract, guard, below, parameters } = route;
  const [kind = '', role] = guard.split(':');
  const guardName = { strict: 'StrictAuth', initial: 'InitialAuth' }[kind] ?? 'Public';
  const verb = method[0] + method.slice(1).toLowerCase();
  const source = hasBody(route) ? 'Body' : 'Query';
  const hasPlace = parameters.length > 0;
  return `import { ${[source, 'Controller', ...(hasPlace ? ['Param'] : []), verb].join(', ')} } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ${guardName} } from '@puerta/auth';
import { ${Class}Answer, ${Class}Dto, ${hasPlace ? `${Class}PlaceDto, ` : ''}${contract} } from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Sender } from '../http/sender';
import { Operation } from '../routes/operation';

@ApiTags('${feature[0]?.toUpperCase()}${feature.slice(1).replaceAll('-', ' ')}')
@Controller('api/v1/${feature}')
export class ${Class}Controller {
  constructor(@InjectService(${contract}) private readonly service: ServiceClient<typeof ${contract}>) {}

  @${verb}(${below ? `'${below}'` : ''})
  @${guardName}(${role ? `'${role}'` : ''})
  @Operation({ summary: '${method} ${path}, to be described', answer: ${Class}Answer })
  ${handler}(${hasPlace ? `@Param() place: ${Class}PlaceDto, ` : ''}@${source}() dto: ${Class}Dto, @Sender() sender: CallOptions): Promise<${Class}Answer> {
    return this.service.request('${pattern}', ${hasPlace ? '{ ...dto, ...place }' : 'dto'}, sender);
  }
}
`;
}

const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';

/** @param {Route} route */
const placeOf = ({ parameters }) => parameters.map((name) => `${name}: '${ID}', `).join('');

/** What the test says that the service answers. @param {Route} route */
const answerOf = ({ changes }) => `{ ${changes ? `id: '${ID}', ` : ''}text: 'a', at: '2026-11-21T10:00:00.000Z' }`;

/** As Nest and Fastify name it. @param {Route} route */
export const nameOf = ({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`;

/** For the test that holds the answer of each route against its description. @param {Route} route */
export function example(route) {
  const body = hasBody(route) ? ", body: { text: 'a' }" : '';
  return `  '${nameOf(route)}': { pattern: '${route.pattern}', answer: ${answerOf(route)}${body} },\n`;
}

/** @param {Route} route */
export function gatewaySpec(route) {
  const { method, path, service, pattern, guard } = route;
  const url = path.replace(/\{\w+\}|:\w+/g, ID) + (hasBody(route) ? '' : '?text=a');
  const verb = method.toLowerCase();
  const body = hasBody(route) ? "{ text: 'a' }, " : '';
  const open = guard === 'public';
  const refused = `

it('is for users alone', async () => {
  expect(await http.${verb}('${url}'${body ? ", { text: 'a' }" : ''})).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
});`;
  return `import { HttpClient } from '@puerta/testing';
import { ${open ? '' : 'ACTOR, '}startTestGateway, type TestGateway } from '../../test/test-gateway';

let gateway: TestGateway;
let http: HttpClient;

beforeAll(async () => {
  gateway = await startTestGateway();
  http = new HttpClient(gateway.url);
});

afterAll(() => gateway.stop());

it('asks the ${service}, and answers what it answers', async () => {
  const answer = ${answerOf(route)};
  gateway.fakes.set('${pattern}', () => answer);
  const headers = { 'idempotency-key': 'key-1' };
  expect(await http.${verb}('${url}', ${body}{ ${open ? '' : 'token: gateway.accessToken(), '}headers })).toMatchObject({ status: 200, body: answer });
  expect(gateway.asked).toMatchObject([
    { pattern: '${pattern}', data: { ${placeOf(route)}text: 'a' }, options: { ${open ? '' : 'actor: { user_id: ACTOR.user_id }, '}idempotencyKey: 'key-1' } },
  ]);
});${open ? '' : refused}
`;
}

/** @param {Route} route */
export function serviceSpec(route) {
  const { service, pattern, contract, changes, guard } = route;
  const [open, role] = [guard === 'public', guard.split(':')[1]];
  const ask = (/** @type {string} */ text, /** @type {string} */ options) => `service.ask('${pattern}', { ${placeOf(route)}text: ${text} }${options && `, ${options}`})`;
  const actor = open ? '' : '{ actor: testActor() }';
  const tests = changes
    ? `it('does once what is asked again under the same Idempotency-Key', async () => {
  const options = { ${open ? '' : 'actor: testActor(), '}idempotencyKey: 'key-1' };
  const [first, again] = [await ${ask("'a'", 'options')}, await ${ask("'a'", 'options')}];
  expect(first).toMatchObject({ text: 'a' });
  expect(again).toEqual(first);
  await expect(${ask("'b'", 'options')}).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  expect(await service.rows('${route.table}')).toMatchObject([{ id: first.id, text: 'a' }]);
});`
    : `it('tells what it was asked', async () => {
  expect(await ${ask("' a '", actor)}).toMatchObject({ text: 'a' });
});`;
  return `import { ${contract} } from '@puerta/contracts';
import { startTestService, ${open ? '' : 'testActor, '}type TestService } from '@puerta/service/testing';
import { ${camel(service)} } from '../${service}';

let service: TestService<typeof ${contract}>;
beforeAll(async () => {
  service = await startTestService(${camel(service)}, ${contract});
});
afterAll(() => service?.stop());

${tests}

it.each([[{ text: 7 }], [{ text: 'x'.repeat(201) }], [{ unknown: true }]])('refuses %j', async (data) => {
  await expect(service.ask('${pattern}', data as never${actor && `, ${actor}`})).rejects.toMatchObject({ code: 'validation_failed' });
});${open ? '' : `

it('is for ${role ? 'members with that role' : 'users'} alone', async () => {
  await expect(${ask("'a'", '')}).rejects.toMatchObject({ code: 'unauthenticated' });${role ? `
  const [alone, plain] = [{ ...testActor(), company_id: null, role: null }, { ...testActor(), role: null }];
  await expect(${ask("'a'", '{ actor: alone }')}).rejects.toMatchObject({ code: 'company_required' });
  await expect(${ask("'a'", '{ actor: plain }')}).rejects.toMatchObject({ code: 'role_required' });` : ''}
});`}
`;
}
