import type { Language } from '../problems/language';

/**
 * A page for people to read.
 *
 * @param title of ours, without what HTML would escape
 * @param content what comes below it, as HTML
 */
export function documentPage(language: Language, title: string, content: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/assets/puerta.css">
</head>
<body>
<main class="document">
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}
