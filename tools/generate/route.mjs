// @ts-check
/** A route from HTTP to what a service does about it, each part in a file of its own, with tests of both ends. */
import { Refusal } from '../launcher/stopped.mjs';
import { camel, pascal, snake } from './names.mjs';
import * as skeleton from './route-skeleton.mjs';

const VERBS = { GET: 'get', POST: 'create', PUT: 'replace', PATCH: 'update', DELETE: 'delete' };

/** `/api/v1/cards/{card_id}/notes`: words, and names in braces (or behind a colon). */
const PATH = /^\/api\/v1\/[a-z][a-z0-9-]*(\/([a-z][a-z0-9-]*|\{[a-z][a-z0-9_]*\}|:[a-z][a-z0-9_]*))*$/;
const GUARD = /^(initial|public|strict:(member|door|issuer|admin|owner))$/;

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

  const [feature = '', ...rest] = path.slice('/api/v1/'.length).split('/');
  const parameters = rest.filter((part) => /^[{:]/.test(part)).map((part) => part.replace(/[{}:]/g, ''));
  const words = rest.filter((part) => !/^[{:]/.test(part));
  const named = rest.at(-1)?.match(/^[{:]/);
  const verb = [!changes && !named ? 'list' : VERBS[/** @type {keyof typeof VERBS} */ (method)], ...words].join('-');
  const route = {
    method, path, service, guard, changes, feature, verb, parameters,
    below: rest.map((part) => part.replace(/^\{(.*)\}$/, ':$1')).join('/'),
    pattern: `${feature}.${verb}`,
    file: `${feature}-${verb}`,
    Class: pascal(`${feature}-${verb}`),
    handler: camel(verb),
    contract: `${camel(service)}Contract`,
    table: snake(`${feature}-${verb}`),
  };
  refuseTaken(tree, route);

  const dto = `${service}/${route.file}.dto`;
  tree.add(`libs/contracts/src/${dto}.ts`, skeleton.dto(route));
  tree.insert('libs/contracts/src/index.ts', /^export \* from '\.\/validation';$/m, `export * from './${dto}';\n$&`);
  const contract = `libs/contracts/src/${service}/${service}.contract.ts`;
  const request = skeleton.requestOf(route);
  tree.addImport(contract, `import { ${route.Class}Answer, ${request} } from './${route.file}.dto';`);
  tree.insert(contract, /^\}\);/m, `  '${route.pattern}': answers<${route.Class}Answer>().to(${request}, 'gateway'),\n$&`);

  const folder = `apps/${service}/src/${feature}`;
  tree.add(`${folder}/${route.file}.service.ts`, skeleton.service(route));
  tree.add(`${folder}/${route.file}.messages.ts`, skeleton.messages(route));
  tree.add(`${folder}/${route.file}.spec.ts`, skeleton.serviceSpec(route));
  const module = `apps/${service}/src/app.module.ts`;
  for (const [kind, list] of [['Service', 'providers'], ['Messages', 'controllers']]) register(tree, module, `${route.Class}${kind}`, String(list), `./${feature}/${route.file}`);
  if (changes) addMigration(tree, route);

  const gateway = `apps/gateway/src/${feature}/${route.file}`;
  tree.add(`${gateway}.controller.ts`, skeleton.controller(route));
  tree.add(`${gateway}.spec.ts`, skeleton.gatewaySpec(route));
  register(tree, 'apps/gateway/src/app.module.ts', `${route.Class}Controller`, 'controllers', `./${feature}/${route.file}`);
  tree.insert('apps/gateway/src/docs/open-api.spec.ts', /^const CALLS: .*\n/m, `$&${skeleton.example(route)}`);
  if (guard === 'public') tree.insert('apps/gateway/src/http/guards.spec.ts', /^const OPEN = \[\n/m, `$&  '${skeleton.nameOf(route)}',\n`);
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {skeleton.Route} route
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
 * @param {string} name
 * @param {string} list
 * @param {string} file without what its kind adds
 */
function register(tree, module, name, list, file) {
  const kind = name.match(/(Service|Messages|Controller)$/)?.[0].toLowerCase();
  tree.addImport(module, `import { ${name} } from '${file}.${kind}';`);
  tree.insert(module, new RegExp(`^( *)${list}: \\[(\\n?)`, 'm'), `$1${list}: [\n$1  ${name},\n`);
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {skeleton.Route} route
 */
function addMigration(tree, route) {
  const folder = `apps/${route.service}/src/migrations`;
  const time = Date.now();
  tree.add(`${folder}/${time}-${route.file}.ts`, skeleton.migration(route, time));
  tree.addImport(`${folder}/index.ts`, `import { ${route.Class}${time} } from './${time}-${route.file}';`);
  tree.insert(`${folder}/index.ts`, /^\];/m, `  ${route.Class}${time},\n$&`);
  const spec = `${folder}/migrations.spec.ts`; // some know each table
  if (tree.has(spec) && /^const TABLES = \[\n/m.test(tree.read(spec))) tree.insert(spec, /^const TABLES = \[\n/m, `$&  '${route.table}',\n`);
}
