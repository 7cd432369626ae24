import { IssueCardDto, ListCardsDto, RegisterDto, UpdateCardDto } from '../index';
import { DomainError } from '../core';
import { validateDto } from './validate';

const registration = { name: 'Ana', email: 'ana@example.com', password: 'correct horse battery' };

function refusal(type: new () => object, plain: unknown): string[] {
  try {
    validateDto(type, plain);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return (error.extra.errors ?? []).map(({ field, code }) => `${field}: ${code}`);
  }
  return [];
}

describe('validateDto', () => {
  it('normalises text to NFC, trims it and lower-cases e-mails', () => {
    const dto = validateDto(RegisterDto, { ...registration, name: '  Jose\u0301 ', email: ' Ana@Example.COM ' });
    expect(dto).toMatchObject({ name: 'José', email: 'ana@example.com' });
  });

  it('spends no time on composing what is too long in any case', () => {
    const long = `a${'\u0301'.repeat(15_000)}${'\u0323'.repeat(15_000)}`;
    const started = process.cpuUsage();
    const fields = refusal(RegisterDto, { name: long, email: long, password: long });
    expect(process.cpuUsage(started).user).toBeLessThan(100_000);
    expect(fields).toEqual(['name: too_long', 'email: too_long', 'password: too_long']);
  });

  it('keeps the joiners that names are written with', () => {
    const name = 'علی\u200cرضا 👩\u200d🔬';
    expect(validateDto(RegisterDto, { ...registration, name }).name).toBe(name);
  });

  it('keeps the spaces of a password', () => {
    expect(validateDto(RegisterDto, { ...registration, password: '  ten chars  ' }).password).toBe('  ten chars  ');
  });

  it.each([
    ['a missing field', { name: undefined }, 'name: required'],
    ['a null', { name: null }, 'name: required'],
    ['white space alone', { name: '   ' }, 'name: too_short'],
    ['invisible characters alone', { name: '\u200b\u3164' }, 'name: too_short'],
    ['an e-mail with invisible characters', { email: 'ana@example.com\u200b' }, 'email: forbidden_characters'],
    ['a number', { name: 7 }, 'name: wrong_type'],
    ['an array', { name: ['Ana'] }, 'name: wrong_type'],
    ['an object', { name: { $gt: '' } }, 'name: wrong_type'],
    ['a null byte', { name: 'Ana\0' }, 'name: forbidden_characters'],
    ['a right-to-left override', { name: 'Ana\u202e' }, 'name: forbidden_characters'],
    ['a lone surrogate', { name: 'Ana\ud800' }, 'name: forbidden_characters'],
    ['a megabyte', { name: 'x'.repeat(1 << 20) }, 'name: too_long'],
    ['an e-mail without a domain', { email: 'ana@' }, 'email: bad_format'],
    ['a short password', { password: 'short' }, 'password: too_short'],
    ['a language we do not speak', { locale: 'tlh' }, 'locale: bad_choice'],
    ['an unknown field', { admin: true }, 'admin: unknown_field'],
  ])('refuses %s', (_what, change, expected) => {
    expect(refusal(RegisterDto, { ...registration, ...change })).toEqual([expected]);
  });

  it.each(['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{}}}'])(
    'refuses %s and pollutes nothing',
    (trick) => {
      expect(refusal(RegisterDto, { ...registration, ...JSON.parse(`{"holder":${trick}}`) })).toHaveLength(1);
      expect(refusal(RegisterDto, JSON.parse(trick))).toHaveLength(1);
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    },
  );

  it.each([null, 'text', 7, [], [registration]])('refuses %j instead of an object', (plain) => {
    expect(refusal(RegisterDto, plain)).toEqual([': wrong_type']);
  });

  it('refuses deep nesting without recursing into it', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`);
    expect(refusal(IssueCardDto, deep)[0]).toMatch(/too_deep$/);
  });

  it('names the path of a nested field', () => {
    expect(refusal(IssueCardDto, { holder: { name: '' } })).toEqual(['holder.name: too_short']);
    expect(refusal(IssueCardDto, { holder: [] })).toEqual(['holder: wrong_type']);
    expect(refusal(IssueCardDto, { holder: 'Ana' })).toEqual(['holder: wrong_type']);
    expect(refusal(IssueCardDto, {})).toEqual(['holder: required']);
    expect(refusal(IssueCardDto, { holder: { name: 'Ana', rank: 1 } })).toEqual(['holder.rank: unknown_field']);
  });

  it('takes RFC 3339 with a zone, gives UTC, and refuses days that do not exist', () => {
    expect(validateDto(UpdateCardDto, { valid_until: '2027-01-31T20:00:00-04:00' }).valid_until).toBe(
      '2027-02-01T00:00:00.000Z',
    );
    for (const time of ['2027-02-30T00:00:00Z', '2027-01-01', '2027-01-01T00:00:00', 'tomorrow']) {
      expect(refusal(UpdateCardDto, { valid_until: time })).toEqual(['valid_until: bad_format']);
    }
  });

  it('reads numbers and booleans of a query string, and nothing else as such', () => {
    expect(validateDto(ListCardsDto, { limit: '5', count: 'true' })).toMatchObject({ limit: 5, count: true });
    expect(refusal(ListCardsDto, { limit: '5e1' })).toEqual(['limit: wrong_type']);
    expect(refusal(ListCardsDto, { limit: '101' })).toEqual(['limit: out_of_range']);
    expect(refusal(ListCardsDto, { limit: ['1', '2'] })).toEqual(['limit: wrong_type']);
  });

  it('reports at most fifty fields, with names that are cut', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`${n}${'x'.repeat(500)}`, n]));
    const fields = refusal(RegisterDto, { ...registration, ...many });
    expect(fields).toHaveLength(50);
    expect(fields.every((field) => field.length < 130)).toBe(true);
  });
});
