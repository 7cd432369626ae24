import type { Language } from '../problems/language';
import { links } from '../problems/links';

const LEAD: Readonly<Record<Language, string>> = {
  en: 'This is where programs reach Puerta, which issues cards and checks them at the door.',
  es: 'Aquí llegan los programas a Puerta, que emite carnets y los comprueba en la puerta.',
};

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
<p>${LEAD[language]}</p>
${links(language)}
</main>
</body>
</html>
`;
}
