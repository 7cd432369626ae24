import { ADVICE } from '../problems/advice';
import { ERRORS } from '../problems/catalogue';
import type { Language } from '../problems/language';
import { documentPage } from './document-page';

const TEXT = {
  en: { title: 'Errors of the Puerta API', todo: 'What to do' },
  es: { title: 'Errores de la API de Puerta', todo: 'Qué hacer' },
} as const;

/** What the `type` of a problem leads to: every code, with an anchor of its name, what it means and what to do. */
export function errorsPage(language: Language): string {
  const { title, todo } = TEXT[language];
  const entries = Object.entries(ERRORS).map(
    ([code, { status, [language]: meaning }]) => `<section id="${code}" class="error">
<h2><code>${code}</code> · ${status}</h2>
<p>${meaning}.</p>
<p><b>${todo}:</b> ${ADVICE[code as keyof typeof ADVICE][language]}</p>
</section>`,
  );
  return documentPage(language, title, entries.join('\n'));
}
