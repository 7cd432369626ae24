/**
 * Letters that Unicode does not take apart, as people type them who have no such key: Đorđe is dorde, Işık is isik. The
 * Latin ones are those of PostgreSQL's unaccent.rules, in lower case (a test compares), and the schwa.
 */
const LETTERS: Readonly<Record<string, string>> = {
  a: 'ᴀᶏⱥ',
  aa: 'ꜳ',
  ae: 'æᴁ',
  ao: 'ꜵ',
  au: 'ꜷ',
  av: 'ꜹꜻ',
  ay: 'ꜽ',
  b: 'ƀƃɓʙᴃᵬᶀ',
  c: 'ƈȼɕᴄꞓ',
  d: 'ðđƌȡɖɗᴅᴆᵭᶁᶑꝱꝺ',
  db: 'ȸ',
  dz: 'ʣʥ',
  e: 'ǝɇəɛᴇᶒᶓⱸ',
  f: 'ƒᵮᶂꜰꝼ',
  g: 'ǥɠɡɢʛᶃꞡ',
  h: 'ħɦɧʜⱨ',
  hv: 'ƕ',
  i: 'ıɨɩɪᵻᶖ',
  j: 'ȷɉɟʝᴊ',
  k: 'ƙᴋᶄⱪꝁꝃꝅꞣ',
  l: 'łƚȴɫɬɭʟᴌᶅⱡꝇꝉꝲ',
  ll: 'ỻ',
  ls: 'ʪ',
  lz: 'ʫ',
  m: 'ɱᴍᵯᶆꝳ',
  n: 'ŋƞȵɲɳɴᵰᶇꝴꞑꞥ',
  o: 'øᴏⱺꝋꝍ',
  oe: 'œɶ',
  oi: 'ƣ',
  oo: 'ꝏ',
  p: 'ƥᴘᵱᵽᶈꝑꝓꝕ',
  q: 'ĸʠꝗꝙ',
  qp: 'ȹ',
  r: 'ɍɼɽɾʀᵲᵳᶉꝵꝶꞧ',
  s: 'ȿʂᵴᶊẜẝꜱꞩ',
  ss: 'ß',
  t: 'ŧƫƭȶʈᴛᵵⱦꝷꞇ',
  th: 'þᵺꝥꝧ',
  ts: 'ʦ',
  u: 'ʉᴜᵾᶙ',
  ue: 'ᵫ',
  v: 'ʋᴠᶌỽⱱⱴꝟ',
  vy: 'ꝡ',
  w: 'ᴡⱳ',
  x: 'ᶍ',
  y: 'ƴɏʏỿ',
  z: 'ƶȥɀʐʑᴢᵶᶎⱬ',
  // Greek at the end of a word, Ukrainian without its own key, and Arabic as keyboards of different countries have it.
  σ: 'ς',
  г: 'ґ',
  ا: 'ٱ',
  ي: 'ىی',
  ك: 'ک',
  ه: 'ة',
};

const TYPED: ReadonlyMap<string, string> = new Map(
  Object.entries(LETTERS).flatMap(([typed, letters]) => [...letters].map((letter) => [letter, typed] as const)),
);

const ANY = new RegExp(`[${[...TYPED.keys()].join('')}]`, 'gu');

/** Accents, and what else stands above and below letters. What Indic and Thai letters are not words without, stays; so does が. */
const MARKS =
  /(?=\p{M})(?![\u3099\u309a])[\p{Script=Inherited}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Arabic}]/gu;

/** Lengthens words in Arabic typography. */
const TATWEEL = /\u0640/gu;

/** A text without case, accents and letters that few keyboards have: who searches finds names as they type them. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(MARKS, '')
    .replace(TATWEEL, '')
    .replace(ANY, (letter) => TYPED.get(letter) ?? letter);
}
