// @ts-check
/** docs/configuration.md: what each app reads from its environment. */
import { built, configurations } from '../embedded/built.mjs';
import { code, DO_NOT_EDIT, table } from './markdown.mjs';

/**
 * @typedef {object} Variable as `describeConfig` lists it
 * @property {string} name
 * @property {string} description
 * @property {string} expected
 * @property {string | null} default
 * @property {boolean} required
 * @property {boolean} secret
 * @property {string[]} fallbacks
 * @property {string | null} neededWith
 * @property {string | null} atMost
 */

export function configurationPage() {
  const { commonConfig, describeConfig } = built('libs/config/src/index');
  const apps = configurations();
  const common = Object.keys(commonConfig);
  /** @type {Variable[]} */
  const all = describeConfig(apps[0]);

  return `${DO_NOT_EDIT}

# Configuration

Each app reads the variables below from its environment once, when it starts. If anything is wrong it names every
problem at once, without repeating a value, and ends with exit code 78. A blank value counts as not set.

- **Secrets** are marked. Instead of \`NAME\`, \`NAME_FILE\` may name a file that holds the value, as Kubernetes and
  Compose mount it; both at once is an error.
- \`NODE_ENV\` is \`production\` unless told. Outside \`development\`, these are refused: secrets that are plainly not
  random, values that stand in examples, passwords such as \`postgres\`, and a \`PUBLIC_URL\` that is not https.
- A secret has at least 32 bytes, written as base64, base64url, hex or plain text; \`openssl rand -base64 32\` makes
  one. Where the value is \`id:key,…\` it is a **keyring**: the first key makes new things, the others are for what
  was made before.
- \`npm start\` sets all that is required by itself; see [operations](operations.md#npm-start). What must be set
  elsewhere, app by app, is in [deployment](deployment.md).

## Every app

${variables(all.filter(({ name }) => common.includes(name)))}
${apps.map((app) => section(app.app, describeConfig(app), common)).join('')}`;
}

/**
 * @param {string} app
 * @param {Variable[]} all
 * @param {readonly string[]} common those that every app reads
 */
function section(app, all, common) {
  return `\n## ${app}\n\n${variables(all.filter(({ name }) => !common.includes(name)))}\n`;
}

/** @param {Variable[]} rows */
function variables(rows) {
  return table(
    ['Variable', 'What it is', 'Value', 'When not set'],
    rows.map((row) => {
      const what = `${row.description}${row.secret ? ' **(secret)**' : ''}`;
      const most = row.atMost === null ? '' : `, at most ${code(row.atMost)}`;
      return [code(row.name), what, row.expected + most, otherwise(row, rows)];
    }),
  );
}

/**
 * @param {Variable} variable
 * @param {readonly Variable[]} all
 */
function otherwise({ required, fallbacks, neededWith, default: value }, all) {
  if (required) return '**required**';
  if (neededWith !== null) return `**required** with ${code(neededWith)}`;
  const ways = inWords(fallbacks);
  if (value !== null) ways.push(value === '' ? 'none' : code(value));
  const certain = value !== null || all.some(({ name, required: there }) => there && fallbacks.includes(name));
  if (ways.length === 0) return 'none';
  return ways.join(', else ') + (certain ? '' : '; one is **required**');
}

/** @param {readonly string[]} names several of one family stand for one thing that is put together of them */
function inWords(names) {
  const family = 'GATEWAY_POSTGRES_';
  const others = names.filter((name) => !name.startsWith(family)).map(code);
  return others.length < names.length ? [code(`${family}*`), ...others] : others;
}
