import type { Language } from '../problems/language';
import { documentPage } from './document-page';
import { links } from '../problems/links';

const LEAD: Readonly<Record<Language, string>> = {
  en: 'This is where programs reach Puerta, which issues cards and checks them at the door.',
  es: 'Aquí llegan los programas a Puerta, que emite carnets y los comprueba en la puerta.',
};

/** What a browser gets at `/`. */
export function homePage(language: Language): string {
  return documentPage(language, 'Puerta', `<p>${LEAD[language]}</p>\n${links(language)}`);
}
