import type { Language } from '../problems/language';

const TEXT = {
  en: {
    lead: 'This is where programs reach Puerta, which issues cards and checks them at the door.',
    docs: 'The API, to read and to try',
    errors: 'Errors, and what to do',
    description: 'The description of the API, for programs (OpenAPI)',
  },
  es: {
    lead: 'Aquí llegan los programas a Puerta, que emite carnets y los comprueba en la puerta.',
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

/** What a browser gets at `/`. */
export function homePage(language: Language): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Puerta</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/assets/puerta.css">
</head>
<body>
<main class="document">
<h1>Puerta</h1>
<p>${TEXT[language].lead}</p>
${links(language)}
</main>
</body>
</html>
`;
}
