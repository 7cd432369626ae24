import { preferredLanguage } from './language';

describe('preferredLanguage', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['es', 'es'],
    ['es-VE', 'es'],
    ['ES-ve', 'es'],
    ['en', 'en'],
    ['de', 'en'],
    ['de, es;q=0.1', 'es'],
    ['es, en', 'en'],
    ['es;q=0.9, en;q=0.8', 'es'],
    ['es;q=0.8, en;q=0.9', 'en'],
    ['es-VE, es;q=0.9, en-US;q=0.8', 'es'],
    ['en;q=0, *', 'es'],
    ['es;q=0, *', 'en'],
    ['es;q=0', 'en'],
    ['*', 'en'],
    ['*;q=0.5, es;q=0.6', 'es'],
    ['es;q=2', 'en'],
    ['es;q=abc', 'en'],
    [',,;;,es', 'es'],
    ['xx'.repeat(10_000), 'en'],
    [`${'de, '.repeat(130)}es`, 'es'],
  ])('reads %s as %s', (header, language) => {
    expect(preferredLanguage(header)).toBe(language);
  });
});
