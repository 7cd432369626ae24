// @ts-check
/** Redocly's recommended rules for docs/openapi.json: as the second half of `npm run lint`. */
import { fileURLToPath } from 'node:url';
import { createConfig, lint } from '@redocly/openapi-core';

const file = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));
const config = await createConfig({
  extends: ['recommended'],
  // No id is called "bulk": docs/decisions/0031.
  rules: { 'no-ambiguous-paths': 'off' },
});
const problems = await lint({ ref: file, config });
for (const { severity, ruleId, message, location } of problems)
  console.log(`docs/openapi.json ${location[0]?.pointer} ${severity} ${ruleId}: ${message}`);
process.exit(problems.length > 0 ? 1 : 0);
