// @ts-check
/** The files that a skeleton begins with, in `templates/`: `{{name}}` is a value, `{{#name}}…{{/name}}` is there if it is set, with ^ if not. */
import { readFileSync } from 'node:fs';

/**
 * @param {string} name
 * @param {Record<string, unknown>} values
 * @returns {string}
 */
export function render(name, values) {
  let text = readFileSync(new URL(`templates/${name}.txt`, import.meta.url), 'utf8');
  const part = /(?:^ *)?\{\{([#^])(\w+)\}\}\n?([^]*?)(?:^ *)?\{\{\/\2\}\}/m;
  while (part.test(text))
    text = text.replace(part, (_, kind, key, body) => (Boolean(values[key]) === (kind === '#') ? body : ''));
  return text.replace(/\{\{(\w+)\}\}/g, (_, key) => String(values[key]));
}
