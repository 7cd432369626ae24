// @ts-check
/** A service of one declaration, and the routes that show that it works. */
import { Refusal } from '../launcher/stopped.mjs';
import { camel, snake } from './names.mjs';
import { addRoute } from './route.mjs';
import { render } from './templates.mjs';

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} name
 * @param {boolean} database
 * @throws Refusal
 */
export function addService(tree, name, database) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 32) {
    throw new Refusal(`"${name}" is not a name: small letters, digits and single dashes, at most 32`);
  }
  const manifest = 'libs/contracts/src/core/services.json';
  if (Object.hasOwn(JSON.parse(tree.read(manifest)), name) || tree.has(`apps/${name}`)) {
    throw new Refusal(`there is a service ${name} already`);
  }
  const [variable, schema] = [camel(name), snake(name)];
  const values = { name, variable, schema, UPPER: schema.toUpperCase(), database };

  const own = database ? `{\n    "database": "${schema}",\n    "secrets": { "${values.UPPER}_SECRET": "" }\n  }` : '{}';
  tree.insert(manifest, /^ {2}"gateway": /m, `  "${name}": ${own},\n$&`);
  const contract = `./${name}/${name}.contract`;
  tree.insert('libs/contracts/src/index.ts', /^export \* from '\.\/validation';$/m, `export * from '${contract}';\n$&`);
  tree.insert('libs/contracts/src/contracts.ts', /^} as const/m, `  '${name}': ${variable}Contract,\n$&`);
  tree.addImport('libs/contracts/src/contracts.ts', `import { ${variable}Contract } from '${contract}';`);

  const files = {
    contract: `libs/contracts/src/${name}/${name}.contract.ts`,
    'project.json': `apps/${name}/project.json`,
    main: `apps/${name}/src/main.ts`,
    config: `apps/${name}/src/config.ts`,
    'app.module': `apps/${name}/src/app.module.ts`,
    definition: `apps/${name}/src/${name}.ts`,
    ...(database && { migrate: `apps/${name}/src/migrate.ts`, migrations: `apps/${name}/src/migrations/index.ts` }),
  };
  for (const [template, file] of Object.entries(files)) tree.add(file, render(`service/${template}`, values));
  for (const method of database ? ['GET', 'POST'] : ['GET'])
    addRoute(tree, { method, path: `/api/v1/${name}`, service: name });
}
