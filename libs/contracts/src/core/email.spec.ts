import fc from 'fast-check';
import { RegisterDto } from '../index';
import { validateDto } from '../validation';
import { canonicalEmail, mixesScripts, readableEmail } from './email';

/** What arrives of an address that somebody registers with, or the code it is refused with. */
function taken(email: string): string {
  try {
    return validateDto(RegisterDto, { name: 'Ana', email, password: 'correct horse battery' }).email;
  } catch (error) {
    return (error as { extra: { errors: { code: string }[] } }).extra.errors[0]?.code ?? '';
  }
}

describe('one mailbox has one canonical form', () => {
  it.each([
    ['ana@münchen.de', 'ana@xn--mnchen-3ya.de', 'Ana@MÜNCHEN.de', ' ana@mu\u0308nchen.de ', 'ana@XN--MNCHEN-3YA.DE'],
    [
      'office@example.com',
      'oﬃce@example.com',
      'OFFICE@example.com',
      'ｏｆｆｉｃｅ@ｅｘａｍｐｌｅ。com',
      '𝐨ffice@example．com',
    ],
    ['josé@example.com', 'jose\u0301@example.com', 'JOSÉ@EXAMPLE.COM'],
    ['strasse@example.com', 'straße@example.com', 'STRASSE@example.com', 'STRAẞE@example.com'],
    ['isik@example.com', 'ISIK@example.com', 'ısık@example.com'],
    ['νίκος@example.com', 'ΝΊΚΟΣ@example.com', 'νίκοσ@example.com'],
    ['k@example.com', '\u212a@example.com'],
    ['ana@例え.jp', 'ana@xn--r8jz45g.jp'],
  ])('%s', (...spellings) => {
    const forms = new Set(spellings.map(canonicalEmail));
    expect(forms.size).toBe(1);
    // And all of them may be given.
    for (const one of spellings) expect(canonicalEmail(taken(one))).toBe([...forms][0]);
  });

  it('and other mailboxes have another', () => {
    const others = ['ana@straße.de', 'ana@strasse.de', 'anna@strasse.de', 'ana+news@strasse.de', 'a.na@strasse.de'];
    expect(new Set(others.map(canonicalEmail)).size).toBe(others.length);
  });

  // As the unit 'binary', for which fast-check makes a table of all characters first.
  const character = fc.nat(0x10f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
  const local = fc.string({ unit: character, minLength: 1, maxLength: 12 });
  const label = fc.string({
    unit: fc.constantFrom(...'aZ09-üßçñıИλ語ゃﬃＡ\u0301\u00ad\u200d'),
    minLength: 1,
    maxLength: 10,
  });
  const address = fc.tuple(fc.oneof(local, label), label).map(([user, domain]) => `${user}@${domain}.com`);

  it('which is its own canonical form', () => {
    fc.assert(
      fc.property(address, (text) => {
        const email = taken(text);
        fc.pre(email.includes('@'));
        const form = canonicalEmail(email);
        expect(canonicalEmail(form)).toBe(form);
        expect(canonicalEmail(readableEmail(form))).toBe(form);
        expect(readableEmail(email)).toBe(email);
        expect(form).toMatch(/@[a-z0-9.-]+$/);
      }),
      { numRuns: 250 },
    );
  });

  it('however it is written', () => {
    const changes: ((text: string) => string)[] = [
      (text) => text.toUpperCase(),
      (text) => text.toLowerCase(),
      (text) => text.normalize('NFD'),
      (text) => text.normalize('NFKC'),
      (text) => ` ${text}\t`,
      (text) => text.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
      canonicalEmail,
      readableEmail,
    ];
    fc.assert(
      fc.property(address, fc.array(fc.constantFrom(...changes), { maxLength: 4 }), (text, rewriting) => {
        fc.pre(taken(text).includes('@'));
        // Case is not what decides about a domain with these: they are letters of their own there.
        fc.pre(!/@.*[ßı]/.test(readableEmail(text)));
        expect(canonicalEmail(rewriting.reduce((email, change) => change(email), text))).toBe(canonicalEmail(text));
      }),
      { numRuns: 250 },
    );
  });

  it('of every character there is', () => {
    const points = Array.from({ length: 0x110000 }, (_none, point) => `a${String.fromCodePoint(point)}\u0301`);
    for (let from = 0; from < points.length; from += 256) {
      const form = canonicalEmail(`${points.slice(from, from + 256).join('')}@example.com`);
      expect(canonicalEmail(form)).toBe(form);
    }
  });
});

describe('an address is shown as people read it', () => {
  it.each([
    ['ana@XN--MNCHEN-3YA.de', 'ana@münchen.de'],
    [' Ana@Example.COM ', 'ana@example.com'],
    ['Straße@example.com', 'straße@example.com'],
    ['oﬃce@example.com', 'oﬃce@example.com'],
  ])('%s as %s', (written, shown) => {
    expect(taken(written)).toBe(shown);
  });
});

describe('a label of several scripts is refused', () => {
  it.each([
    ['а Cyrillic letter among Latin ones', 'аna@example.com'],
    ['one in the domain', 'ana@exаmple.com'],
    ['one in the domain, hidden in its ASCII form', 'ana@xn--exmple-4nf.com'],
    ['Greek and Latin', 'αna@example.com'],
    ['Greek and Cyrillic', 'αя@example.com'],
    ['Latin and Arabic', 'anaع@example.com'],
    ['Japanese and Cyrillic', 'яの@example.com'],
    ['Korean and Japanese', '한の@example.com'],
    ['a script of the past', '𐎀@example.com'],
  ])('%s', (_what, email) => {
    expect(taken(email)).toMatch(/^(mixed_scripts|bad_format)$/);
    expect(mixesScripts(readableEmail(email))).toBe(true);
  });

  it.each([
    ['Latin with accents and digits', 'josé.pérez-2@example.com'],
    ['Cyrillic before a Latin domain', 'иван@example.com'],
    ['Cyrillic with a tag', 'иван+news@example.com'],
    ['Cyrillic, a script a label', 'иван.petrov@почта.com'],
    ['Japanese with Latin', 'anaの東京カ@example.jp'],
    ['Chinese with Latin', 'ana李@example.com'],
    ['Korean with Latin', 'ana한국@example.com'],
    ['Arabic', 'علي@example.com'],
    ['Hindi', 'आना@example.com'],
    ['Greek', 'νίκος@example.com'],
  ])('but %s is not', (_what, email) => {
    expect(taken(email)).toBe(email);
  });
});

it.each([
  ['a quoted local part, which is another spelling', '"ana"@example.com'],
  ['a domain of no host', 'ana@exa_mple.com'],
  ['a label in an ASCII form that stands for nothing', 'ana@xn--a.com'],
  ['the root of all domains', 'ana@example.com.'],
  ['a local part that becomes two', 'ana＠eva@example.com'],
  ['a domain that gets too long', `ana@${'ü'.repeat(60)}.com`],
])('refuses %s', (_what, email) => {
  expect(taken(email)).toBe('bad_format');
});
