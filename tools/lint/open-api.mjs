// @ts-check
/** Redocly's rules for docs/openapi.json, as in redocly.yaml: the last part of `npm run lint`. */
import { join } from 'node:path';
import { lint, loadConfig } from '@redocly/openapi-core';

const root = join(import.meta.dirname, '../..');
const config = await loadConfig({ configPath: join(root, 'redocly.yaml') });
const problems = await lint({ ref: join(root, 'docs/openapi.json'), config });
for (const { severity, ruleId, message, location } of problems)
  console.log(`docs/openapi.json ${location[0]?.pointer} ${severity} ${ruleId}: ${message}`);
process.exit(problems.length > 0 ? 1 : 0);
