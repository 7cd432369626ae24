// @ts-check
/** What all generated pages have in common. */

export const DO_NOT_EDIT = '<!-- Made by `npm run docs` from the code. Do not edit. -->';

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.map(escape).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** @param {string} text */
export function code(text) {
  return `\`${text}\``;
}

/** @param {string} cell a vertical bar would end it */
function escape(cell) {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
