import { withChanges } from './card-holder';
import { RULES, searchQuery, searchWords } from './card-search';

const holder = withChanges(
  {},
  { name: 'Ángela Pérez-García  D’Elía', email: 'Angela@example.com', document_id: 'V 12.345.678' },
);
const card = { number: '26-10001', holder };

describe('search words', () => {
  it('are the folded words of name, number, e-mail and document, joined, and the parts of double names', () => {
    expect(searchWords(card)).toEqual(
      [
        RULES,
        '12345678',
        '2610001',
        'angela',
        'angela@examplecom',
        'd',
        'delia',
        'elia',
        'garcia',
        'perez',
        'perezgarcia',
        'v',
        'v12345678',
      ].sort(),
    );
  });

  it('are there without e-mail and document, and in any script', () => {
    const bare = { number: '26-10002', holder: withChanges({}, { name: '李 小龙 Ωmega' }) };
    expect(searchWords(bare)).toEqual([RULES, '2610002', 'ωmega', '小龙', '李'].sort());
  });

  it('say by which rules they were made, in a word that nobody can look for', () => {
    expect(searchWords(card)).toContain(RULES);
    expect(searchQuery(RULES)).toBe(`'2':*`);
    expect(searchQuery(` ${RULES} `)).not.toContain(`'${RULES}`);
  });
});

describe('a search query', () => {
  it('asks for every word as a prefix', () => {
    expect(searchQuery('  PÉREZ áng ')).toBe(`'perez':* & 'ang':*`);
  });

  it.each([
    'O’Connor',
    `O'Connor`,
    'O`Connor',
    'Oʼconnor',
    'O′Connor',
    'O＇CONNOR',
    'O-Connor',
    'O‑Connor',
    'o–connor',
  ])('is the same however %s is typed', (typed) => {
    expect(searchQuery(typed)).toBe(`('oconnor':* | ('o':* & 'connor':*))`);
  });

  it('takes operators and quotes as letters', () => {
    expect(searchQuery(`"x | !b:* \\ (c)`)).toBe(`'"x':* & '|':* & '!b:*':* & '\\\\':* & '(c)':*`);
  });

  it('has no lexeme that PostgreSQL would refuse, and the beginning of every long word still finds it', () => {
    const long = '㌖'.repeat(120);
    const [kept] = searchWords({ ...card, holder: withChanges(holder, { name: long }) }).filter((word) =>
      word.startsWith('キ'),
    );
    expect(Buffer.byteLength(kept ?? '')).toBeLessThanOrEqual(2046);
    expect(searchQuery(long)).toBe(`'${kept}':*`);
  });

  it.each(['\u0301', '-', `' ’ --`, ' \u200d '])('is none when nothing is left to look for: %j', (typed) => {
    expect(searchQuery(typed)).toBeUndefined();
  });
});
