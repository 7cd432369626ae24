import { ERRORS } from '../problems/catalogue';
import type { Language } from '../problems/language';

const TEXT = {
  en: { title: 'Errors of the Puerta API', code: 'Code', status: 'Status', meaning: 'Meaning' },
  es: { title: 'Errores de la API de Puerta', code: 'Código', status: 'Estado', meaning: 'Significado' },
} as const;

/** What the `type` of a problem leads to: every code, with an anchor of its name. */
export function errorsPage(language: Language): string {
  const { title, code, status, meaning } = TEXT[language];
  const rows = Object.entries(ERRORS).map(
    ([name, { status: number, [language]: sentence }]) =>
      `<tr id="${name}"><th scope="row"><code>${name}</code></th><td>${number}</td><td>${sentence}</td></tr>`,
  );
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/puerta.css">
</head>
<body>
<main class="document">
<h1>${title}</h1>
<table>
<thead><tr><th scope="col">${code}</th><th scope="col">${status}</th><th scope="col">${meaning}</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</main>
</body>
</html>
`;
}
