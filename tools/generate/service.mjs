// @ts-check
/** A service of one declaration, and the routes that show that it works. */
import { Refusal } from '../launcher/stopped.mjs';
import { camel, pascal, snake } from './names.mjs';
import { addRoute } from './route.mjs';

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
  const [Name, variable, upper] = [pascal(name), camel(name), snake(name).toUpperCase()];

  const own = database ? `{\n    "database": "${snake(name)}",\n    "secrets": { "${upper}_SECRET": "" }\n  }` : '{}';
  tree.insert(manifest, /^ {2}"gateway": /m, `  "${name}": ${own},\n$&`);
  const contract = `./${name}/${name}.contract`;
  tree.add(`libs/contracts/src/${name}/${name}.contract.ts`, CONTRACT(name, variable));
  tree.insert('libs/contracts/src/index.ts', /^export \* from '\.\/validation';$/m, `export * from '${contract}';\n$&`);
  tree.insert('libs/contracts/src/contracts.ts', /^} as const/m, `  '${name}': ${variable}Contract,\n$&`);
  tree.addImport('libs/contracts/src/contracts.ts', `import { ${variable}Contract } from '${contract}';`);

  tree.add(`apps/${name}/project.json`, PROJECT(name));
  tree.add(`apps/${name}/src/main.ts`, MAIN(name, variable, 'runService'));
  tree.add(`apps/${name}/src/config.ts`, CONFIG(name, Name, variable, upper, database));
  tree.add(`apps/${name}/src/app.module.ts`, MODULE);
  tree.add(`apps/${name}/src/${name}.ts`, DEFINITION(name, variable, upper, database));
  if (database) {
    tree.add(`apps/${name}/src/migrate.ts`, MAIN(name, variable, 'runMigrate'));
    tree.add(`apps/${name}/src/migrations/index.ts`, MIGRATIONS);
  }
  for (const method of database ? ['GET', 'POST'] : ['GET']) addRoute(tree, { method, path: `/api/v1/${name}`, service: name });
}

/** @type {(name: string, variable: string) => string} */
const CONTRACT = (name, variable) => `import { answers, defineContract } from '../core';

export const ${variable}Contract = defineContract('${name}', {
});
`;

/** @type {(name: string) => string} */
const PROJECT = (name) => `{
  "name": "${name}",
  "$schema": "../../node_modules/nx/schemas/project-schema.json",
  "projectType": "application",
  "sourceRoot": "apps/${name}/src",
  "tags": ["app:${name}"],
  "targets": { "build": {}, "bundle": {} }
}
`;

/** @type {(name: string, variable: string, run: string) => string} */
const MAIN = (name, variable, run) => `import { ${run} } from '@puerta/service';
import { ${variable} } from './${name}';

void ${run}(${variable});
`;

/** @type {(name: string, Name: string, variable: string, upper: string, database: boolean) => string} */
const CONFIG = (name, Name, variable, upper, database) => `import { commonConfig, ${database ? 'databaseConfig, ' : ''}defineConfig${database ? ', secret' : ''} } from '@puerta/config';

/** The variables of the ${name}. */
export const ${variable}Config = defineConfig('${name}', {
  ...commonConfig,${database ? `
  ...databaseConfig('${upper}'),
  ${upper}_SECRET: secret('Keys the fingerprints of requests: with another one, who asks again under the same Idempotency-Key is refused'),` : ''}
});
`;

const MODULE = `import { Module } from '@nestjs/common';

@Module({
  controllers: [
  ],
  providers: [
  ],
})
export class AppModule {}
`;

/** @type {(name: string, variable: string, upper: string, database: boolean) => string} */
const DEFINITION = (name, variable, upper, database) => `import { ${variable}Contract } from '@puerta/contracts';
import { defineService } from '@puerta/service';
import { AppModule } from './app.module';
import { ${variable}Config } from './config';
${database ? "import { migrations } from './migrations';\n" : ''}
/** The service: what it answers, reads${database ? ', stores' : ''} and asks. */
export const ${variable} = defineService({
  contract: ${variable}Contract,
  config: ${variable}Config,${database ? `
  database: (config) => ({
    url: config.${upper}_DATABASE_URL,
    schema: '${snake(name)}',
    entities: [],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
    fingerprintKey: config.${upper}_SECRET,
  }),` : ''}
  module: () => AppModule,
});
`;

const MIGRATIONS = `import { inboxAnswersMigration, inboxMigration } from '@puerta/database';

/** In the order in which they run. */
export const migrations = [
  inboxMigration,
  inboxAnswersMigration,
];
`;
