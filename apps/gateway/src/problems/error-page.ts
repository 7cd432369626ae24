import type { DomainError, ErrorCode } from '@puerta/contracts/core';
import { ADVICE } from './advice';
import { ERRORS, type Texts } from './catalogue';
import { detailOf } from './details';
import type { Language } from './language';
import { links } from './links';
import { describeProblem, type Occurrence, type ProblemAnswer } from './problem';

/** Browsers name HTML when they open an address; programs do not. */
export function prefersPage(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accept);
}

/** The same words as on the page of a card that is not valid any more (profile/page/texts.js). */
const NOT_VALID: Texts = { en: 'Not valid', es: 'No válido' };
const REFUSE_CARD: Texts = {
  en: 'Do not accept this card. Ask for another identification, or send its holder to whoever issued it.',
  es: 'No acepte este carnet. Pida otra identificación o envíe a su titular a quien lo emitió.',
};

const AGAIN: Texts = { en: 'Please try again in a moment.', es: 'Inténtelo de nuevo en un momento.' };

/** What a person at a phone can do, where that is not what a program does. */
const HINTS: Partial<Record<ErrorCode, Texts>> = {
  card_not_found: REFUSE_CARD,
  internal: AGAIN,
  service_unavailable: AGAIN,
  auth_unavailable: AGAIN,
  overloaded: AGAIN,
  outcome_unknown: AGAIN,
};

const REFERENCE: Texts = { en: 'Reference', es: 'Referencia' };

/** The same as `describeProblem` for a person whose phone opened the address in a QR code. */
export function describeErrorPage(error: DomainError, occurrence: Occurrence, publicUrl: string): ProblemAnswer {
  const { requestId, language } = occurrence;
  const problem = describeProblem(error, occurrence, publicUrl);
  const title = (error.code === 'card_not_found' ? NOT_VALID : ERRORS[error.code])[language];
  // Nothing here comes from the request but its id, which is made of letters, digits, dots, dashes and underscores.
  const body = `<!doctype html>
<html lang="${language}" data-tone="${toneOf(error.code)}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/puerta.css">
<main class="notice">
<div class="verdict">
<span class="mark" aria-hidden="true"></span>
<h1 class="${toneOf(error.code) === 'bad' ? 'word' : 'sentence'}">${title}</h1>
</div>
<p>${adviceFor(error, language)}</p>
${error.code === 'not_found' ? links(language) : ''}
<p><small>${REFERENCE[language]}: <code>${requestId}</code></small></p>
</main>
</html>
`;
  return { ...problem, headers: { ...problem.headers, 'content-type': 'text/html; charset=utf-8' }, body };
}

/** Of a dead card red, as the page of a valid one is green; of what may go well the next time amber. */
function toneOf(code: ErrorCode): string {
  if (code === 'card_not_found') return 'bad';
  return [429, 500, 503, 504].includes(ERRORS[code].status) ? 'wary' : '';
}

function adviceFor(error: DomainError, language: Language): string {
  const { code } = error;
  if (ERRORS[code].status === 429) return `${detailOf(error, language) ?? AGAIN[language]}.`;
  return (HINTS[code] ?? ADVICE[code])[language];
}
