import type { DomainError, ErrorCode } from '@puerta/contracts/core';
import { ERRORS, type Texts } from './catalogue';
import { describeProblem, type Occurrence, type ProblemAnswer } from './problem';

/** Browsers name HTML when they open an address; programs do not. */
export function prefersPage(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accept);
}

/** What a person can do about it, where there is something. */
const HINTS: Partial<Record<ErrorCode, Texts>> = {
  card_not_found: {
    en: 'The code may have been replaced, or the card is not active.',
    es: 'Puede que el código se haya sustituido o que el carnet no esté activo.',
  },
  service_unavailable: { en: 'Please try again in a moment.', es: 'Inténtelo de nuevo en un momento.' },
  too_many_requests: { en: 'Please try again in a moment.', es: 'Inténtelo de nuevo en un momento.' },
};

const REFERENCE = { en: 'Reference', es: 'Referencia' } as const;

/** The same as `describeProblem` for a person whose phone opened the address in a QR code. */
export function describeErrorPage(error: DomainError, occurrence: Occurrence, publicUrl: string): ProblemAnswer {
  const { requestId, language } = occurrence;
  const problem = describeProblem(error, occurrence, publicUrl);
  const hint = HINTS[error.code]?.[language];
  // Nothing here comes from the request but its id, which is made of letters, digits, dots, dashes and underscores.
  const body = `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${ERRORS[error.code][language]}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/puerta.css">
<main class="notice">
<h1>${ERRORS[error.code][language]}</h1>
${hint ? `<p>${hint}</p>` : ''}
<p><small>${REFERENCE[language]}: <code>${requestId}</code></small></p>
</main>
</html>
`;
  return { ...problem, headers: { ...problem.headers, 'content-type': 'text/html; charset=utf-8' }, body };
}
