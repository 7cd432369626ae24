// @ts-check
/** A route from HTTP to what a service does about it, each part in a file of its own, with tests of both ends. */
import { Refusal } from '../launcher/stopped.mjs';
import { camel, pascal, snake } from './names.mjs';
import { render } from './templates.mjs';

const VERBS = { GET: 'get', POST: 'create', PUT: 'replace', PATCH: 'update', DELETE: 'delete' };

/** `/api/v1/cards/{card_id}/notes`: words, and names in braces (or behind a colon). */
const PATH = /^\/api\/v1\/[a-z][a-z0-9-]*(\/([a-z][a-z0-9-]*|\{[a-z][a-z0-9_]*\}|:[a-z][a-z0-9_]*))*$/;
const GUARD = /^(initial|public|strict:(member|door|issuer|admin|owner))$/;

/** Of something, in tests. */
const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {{ method: string, path: string, service: string | undefined, guard?: string | undefined }} asked
 * @throws Refusal
 */
export function addRoute(tree, { method, path, service = '', guard = 'initial' }) {
  if (!Object.hasOwn(VERBS, method)) throw new Refusal(`"${method}" is not a method: ${Object.keys(VERBS).join(', ')}`);
  if (!PATH.test(path)) throw new Refusal(`"${path}" is not a path such as /api/v1/cards/{card_id}/notes`);
  if (!GUARD.test(guard)) throw new Refusal(`"${guard}" is not a guard: strict:ROLE, initial or public`);
  const definition = `apps/${service}/src/${service}.ts`;
  if (!tree.has(definition)) throw new Refusal('name a service that there is: --service');
  const changes = method !== 'GET';
  if (changes && !tree.read(definition).includes('fingerprintKey')) {
    throw new Refusal(`${service} has no inbox: what changes something needs it to happen once`);
  }

  const values = valuesOf(tree, method, path, service, guard);
  const { Class, feature, file, pattern, request, table } = values;
  refuseTaken(tree, { method, path, service, pattern });
  const folder = `apps/${service}/src/${feature}`;
  const gateway = `apps/gateway/src/${feature}/${file}`;
  const module = `apps/${service}/src/app.module.ts`;
  /** @param {string} template @param {string} to */
  const add = (template, to) => tree.add(to, render(`route/${template}`, values));

  add('dto', `libs/contracts/src/${service}/${file}.dto.ts`);
  const index = 'libs/contracts/src/index.ts';
  tree.insert(index, /^export \* from '\.\/validation';$/m, `export * from './${service}/${file}.dto';\n$&`);
  const contract = `libs/contracts/src/${service}/${service}.contract.ts`;
  tree.addImport(contract, `import { ${Class}Answer, ${request} } from './${file}.dto';`);
  tree.insert(contract, /^\}\);/m, `  '${pattern}': answers<${Class}Answer>().to(${request}, 'gateway'),\n$&`);

  add('service', `${folder}/${file}.service.ts`);
  add('messages', `${folder}/${file}.messages.ts`);
  add('service.spec', `${folder}/${file}.spec.ts`);
  register(tree, module, 'providers', `${Class}Service`, `./${feature}/${file}.service`);
  register(tree, module, 'controllers', `${Class}Messages`, `./${feature}/${file}.messages`);
  if (changes) {
    const migrations = `apps/${service}/src/migrations`;
    const migration = `${values.time}-${file}`;
    add('migration', `${migrations}/${migration}.ts`);
    tree.addImport(`${migrations}/index.ts`, `import { ${Class}${values.time} } from './${migration}';`);
    tree.insert(`${migrations}/index.ts`, /^\];/m, `  ${Class}${values.time},\n$&`);
    const [spec, tables] = [`${migrations}/migrations.spec.ts`, /^const TABLES = \[\n/m]; // some know each table
    if (tree.has(spec) && tables.test(tree.read(spec))) tree.insert(spec, tables, `$&  '${table}',\n`);
  }

  add('controller', `${gateway}.controller.ts`);
  add('gateway.spec', `${gateway}.spec.ts`);
  const app = 'apps/gateway/src/app.module.ts';
  tree.addImport(app, `import { ${Class}Controller } from './${feature}/${file}.controller';`);
  tree.insert(app, /^export const CONTROLLERS: .*= \[\n/m, `$&  ${Class}Controller,\n`);
  const tags = 'apps/gateway/src/docs/tags.ts';
  if (!tree.read(tags).includes(`${values.tag}`))
    tree.insert(tags, /^};/m, `  '${values.tag}': 'To be described',\n$&`);
  const open = /^const OPEN = \[\n/m;
  if (guard === 'public')
    tree.insert('apps/gateway/src/http/guards.spec.ts', open, `$&  '${method} ${values.colons}',\n`);
}

/**
 * What the files say.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} method
 * @param {string} path
 * @param {string} service
 * @param {string} guard
 */
function valuesOf(tree, method, path, service, guard) {
  const colons = path.replace(/\{(\w+)\}/g, ':$1');
  const [feature = '', ...rest] = colons.slice('/api/v1/'.length).split('/');
  const parameters = rest.filter((part) => part.startsWith(':')).map((part) => part.slice(1));
  const words = rest.filter((part) => !part.startsWith(':'));
  const changes = method !== 'GET';
  const lists = !changes && !rest.at(-1)?.startsWith(':');
  const verb = [lists ? 'list' : VERBS[/** @type {keyof typeof VERBS} */ (method)], ...words].join('-');
  const file = `${feature}-${verb}`;
  const body = ['POST', 'PUT', 'PATCH'].includes(method);
  const place = parameters.length > 0;
  const [kind, role] = guard.split(':');
  const [guarded, check] = [kind !== 'public', role ? 'memberOf' : 'actorOf'];
  const Class = pascal(file);
  return {
    method,
    path,
    colons,
    service,
    feature,
    file,
    Class,
    changes,
    body,
    place,
    guarded,
    role,
    verb: method.toLowerCase(),
    decorator: method[0] + method.slice(1).toLowerCase(),
    below: rest.length > 0 ? `'${rest.join('/')}'` : '',
    tag: tagOf(tree, feature),
    pattern: `${feature}.${verb}`,
    request: `${Class}${place ? 'Command' : 'Dto'}`,
    handler: camel(verb),
    operation: camel(verb.replace(/^[a-z]+/, `$&-${feature}`)),
    property: camel(feature),
    definition: camel(service),
    contract: `${camel(service)}Contract`,
    table: snake(file),
    time: Date.now(),
    guardName: guarded ? (role ? 'StrictAuth' : 'InitialAuth') : 'Public',
    who: guarded ? `${check}, ` : '',
    userId: guarded ? `${check}(call${role ? `, '${role}'` : ''}).user_id` : 'call.actor?.user_id',
    refusals: `\`unauthenticated\`${role ? ', `company_required`, `role_required`' : ''}`,
    source: body ? 'Body' : 'Query',
    hasIds: changes || place,
    fields: parameters.map((name) => `  @Id()\n  ${name}: string;`).join('\n\n'),
    ids: parameters.map((name) => `${name}: '${ID}', `).join(''),
    url: colons.replace(/:\w+/g, ID) + (body ? '' : '?text=a'),
    answer: `{ ${changes ? `id: '${ID}', ` : ''}text: 'a', at: '2026-11-21T10:00:00.000Z' }`,
  };
}

/**
 * Under which heading the documentation has it: with the other routes of its folder.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} feature
 */
function tagOf(tree, feature) {
  const controller = `apps/gateway/src/${feature}/${feature}.controller.ts`;
  const [, known] = (tree.has(controller) && /@ApiTags\('([^']+)'\)/.exec(tree.read(controller))) || [];
  return known ?? `${feature[0]?.toUpperCase()}${feature.slice(1).replaceAll('-', ' ')}`;
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {{ method: string, path: string, service: string, pattern: string }} route
 */
function refuseTaken(tree, { method, path, service, pattern }) {
  const same = (/** @type {string} */ text) => text.replace(/\{\w+\}|:\w+/g, '{}');
  const known = tree.read('docs/routes.md').matchAll(/\| (\w+) `([^`]+)` \|/g);
  if ([...known].some(([, verb, there = '']) => verb === method && same(there) === same(path))) {
    throw new Refusal(`there is a route ${method} ${path} already`);
  }
  if (tree.read(`libs/contracts/src/${service}/${service}.contract.ts`).includes(`'${pattern}'`)) {
    throw new Refusal(`${service} has a pattern ${pattern} already`);
  }
}

/**
 * Into a list of a module's decorator.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} module
 * @param {'controllers' | 'providers'} list
 * @param {string} name
 * @param {string} file
 */
function register(tree, module, list, name, file) {
  tree.addImport(module, `import { ${name} } from '${file}';`);
  tree.insert(module, new RegExp(`^( *)${list}: \\[\\n?`, 'm'), `$1${list}: [\n$1  ${name},\n`);
}
