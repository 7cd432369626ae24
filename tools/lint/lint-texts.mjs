// @ts-check
/** Lints texts, `[path, text]` in JSON on standard input, as if each stood at its path; answers with what it finds in each. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

/** @type {[path: string, text: string][]} */
const texts = JSON.parse(readFileSync(0, 'utf8'));
const [cwd, overrideConfigFile] = ['../..', 'boundaries.config.mjs'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const eslint = new ESLint({ cwd, overrideConfigFile, ignore: false });

/** @type {string[]} */
const found = [];
for (const [filePath, text] of texts) {
  const [result] = await eslint.lintText(text, { filePath });
  found.push((result?.messages ?? []).map(({ ruleId, message }) => `${ruleId}: ${message}`).join('\n'));
}
process.stdout.write(JSON.stringify(found));
