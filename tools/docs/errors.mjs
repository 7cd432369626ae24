// @ts-check
/** docs/errors.md: the closed lists of codes. */
import { built } from '../embedded/built.mjs';
import { code, DO_NOT_EDIT, table } from './markdown.mjs';

export function errorsPage() {
  const { ERRORS, FIELD_ERRORS } = built('apps/gateway/src/problems/catalogue');
  const { ADVICE } = built('apps/gateway/src/problems/advice');
  return `${DO_NOT_EDIT}

# Errors

Every error is answered as \`application/problem+json\` (RFC 9457). Programs branch on \`code\`; one code has one
status, everywhere. \`title\`, \`detail\` and the messages of \`errors\` are for people, in English or Spanish by
\`Accept-Language\`. The gateway serves the same list at \`/docs/errors\`, where the \`type\` of a problem leads: what a
code means, and what to do. See [the guide](api.md#errors) for an example.

## Codes

${table(
  ['Code', 'Status', 'English', 'Spanish'],
  Object.entries(ERRORS).map(([name, { status, en, es }]) => [
    code(name),
    String(status),
    `**${en}.** ${ADVICE[name].en}`,
    `**${es}.** ${ADVICE[name].es}`,
  ]),
)}

## Codes of refused fields

\`validation_failed\` lists the refused fields in \`errors\`: \`{ field, code, message }\`. The message begins where the
name of the field ends; \`{…}\` stands for a number or a list.

${table(
  ['Code', 'English', 'Spanish'],
  Object.entries(FIELD_ERRORS).map(([name, { en, es }]) => [code(name), en, es]),
)}
`;
}
