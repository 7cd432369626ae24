/** The languages problems are written in. */
export type Language = 'en' | 'es';

/**
 * The language a reader prefers (RFC 9110 12.5.4). English where the header is absent, asks for neither language, or
 * is not well formed: a problem is worth reading in any language.
 */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  if (!acceptLanguage) return 'en';
  const weights: Record<Language, number | undefined> = { en: undefined, es: undefined };
  let any = 0;
  for (const range of acceptLanguage.split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = weightOf(parameters);
    const language = tag.split('-', 1)[0];
    if (tag === '*') any = Math.max(any, weight);
    else if (language === 'en' || language === 'es') weights[language] = Math.max(weights[language] ?? 0, weight);
  }
  return (weights.es ?? any) > (weights.en ?? any) ? 'es' : 'en';
}

function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  if (q === undefined) return 1;
  return /^q=(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q.slice(2)) : 0;
}
