import { withChanges } from './card-holder';
import { searchQuery, searchWords } from './card-search';

const holder = withChanges(
  {},
  { name: 'Ángela Pérez-García  D’Elía', email: 'Angela@example.com', document_id: 'V 12.345.678' },
);
const card = { number: '26-10001', holder };

describe('search words', () => {
  it('are the folded words of name, number, e-mail and document, and the parts of double names', () => {
    expect(searchWords(card)).toEqual(
      [
        '12.345.678',
        '26-10001',
        'angela',
        'angela@example.com',
        'd',
        'd’elia',
        'elia',
        'garcia',
        'perez',
        'perez-garcia',
        'v',
      ].sort(),
    );
  });

  it('are there without e-mail and document, and in any script', () => {
    const bare = { number: '26-10002', holder: withChanges({}, { name: '李 小龙 Ωmega' }) };
    expect(searchWords(bare)).toEqual(['26-10002', 'ωmega', '小龙', '李'].sort());
  });
});

describe('a search query', () => {
  it('asks for every word as a prefix', () => {
    expect(searchQuery('  PÉREZ áng ')).toBe(`'perez':* & 'ang':*`);
  });

  it('takes operators and quotes as letters', () => {
    expect(searchQuery(`o'x | !b:* \\ (c)`)).toBe(`'o''x':* & '|':* & '!b:*':* & '\\\\':* & '(c)':*`);
  });

  it('has no lexeme that PostgreSQL would refuse, and the beginning of every long word still finds it', () => {
    const long = '㌖'.repeat(120);
    const [kept] = searchWords({ ...card, holder: withChanges(holder, { name: long }) }).filter((word) =>
      word.startsWith('キ'),
    );
    expect(Buffer.byteLength(kept ?? '')).toBeLessThanOrEqual(2046);
    expect(searchQuery(long)).toBe(`'${kept}':*`);
  });

  it('is none when nothing is left to look for', () => {
    expect(searchQuery('\u0301')).toBeUndefined();
  });
});
