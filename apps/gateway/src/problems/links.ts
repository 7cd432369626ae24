import type { Language } from './language';

const TEXT = {
  en: {
    docs: 'The API, to read and to try',
    errors: 'Errors, and what to do',
    description: 'The description of the API, for programs (OpenAPI)',
  },
  es: {
    docs: 'La API, para leerla y probarla',
    errors: 'Los errores, y qué hacer',
    description: 'La descripción de la API, para programas (OpenAPI)',
  },
} as const;

/** Where a person may have wanted to go, for the page at `/` and for those that say that there is nothing. */
export function links(language: Language): string {
  const { docs, errors, description } = TEXT[language];
  return `<p><a href="/docs">${docs}</a></p>
<p><a href="/docs/errors">${errors}</a></p>
<p><a href="/docs-json">${description}</a></p>`;
}
