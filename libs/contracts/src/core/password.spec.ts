import fc from 'fast-check';
import { passwordFlaw, type PasswordFlaw } from './password';

const CONTEXT = ['Ana María Pérez', 'ana.perez+news@correo.example', 'Universidad Simón Bolívar'];

it.each<[PasswordFlaw, string[]]>([
  [
    'repetitive',
    [
      'aaaaaaaaaaaa',
      ' '.repeat(12),
      'abcabcabcabc',
      'abcabcabca',
      'xK7!xK7!xK7!',
      'AaAaAaAaAa',
      'áaáàäaaaaa',
      '1111122222',
      '0101100101',
      'casa casa casa',
      'ТTТTТTТTТTТT',
      '😀😀😀😀😀😀😀😀😀😀',
      'tomato tomato',
      'holamun1holamun1',
    ],
  ],
  [
    'sequential',
    [
      '123456789012',
      '0987654321',
      'abcdefghij',
      'ABCDEFGHIJK',
      'zyxwvutsrq',
      'qwertyuiop',
      'poiuytrewq',
      'asdfghjklñ',
      'qwerty12345',
      'abcdef123456',
      '1122334455667788',
      'абвгдежзик',
      'qwertzuiop',
      '１２３４５６７８９０',
    ],
  ],
  [
    'contains_context',
    [
      'Puerta2024!',
      'puerta-puerta-1990',
      'password1234',
      'Contraseña2024',
      'ana.perez+news@correo.example',
      'anaperez1990',
      'PerezPerez83',
      'Ana María Pérez',
      'anamariaperez1',
      'UniversidadSimonBolivar',
      'universidad123',
      'bolívar-2030',
      'correo.example.1',
    ],
  ],
])('%s: what is guessed first is refused', (flaw, passwords) => {
  expect(passwords.map((one) => [one, passwordFlaw(one, CONTEXT)])).toEqual(passwords.map((one) => [one, flaw]));
});

it.each([
  'correct horse battery',
  'la puerta es verde',
  'mi universidad queda lejos',
  'Ana come manzanas rojas',
  'banana bread forest',
  'kx9$Lm2!qZ',
  'bUlV0TlTJjkgbHke',
  'пароль длинный',
  '東京は今日も雨だったから',
  '1 caballo, 2 perros',
  'correct horse correct horse',
])('%s is not', (password) => {
  expect(passwordFlaw(password, CONTEXT)).toBeUndefined();
});

it('takes nearly whatever chance makes, and says the same whatever the case', () => {
  const random = fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789-_'),
    minLength: 16,
  });
  fc.assert(
    fc.property(random, (password) => {
      fc.pre(new Set(password.toLowerCase()).size > 10);
      expect(passwordFlaw(password.toUpperCase(), CONTEXT)).toBe(passwordFlaw(password.toLowerCase(), CONTEXT));
    }),
  );
});

it('answers soon, whatever is asked', () => {
  for (const text of [
    'a'.repeat(128),
    'ab'.repeat(64),
    `${'a'.repeat(127)}b`,
    'abcdefg '.repeat(16),
    '\u0301'.repeat(128),
  ]) {
    const started = process.cpuUsage();
    passwordFlaw(text, [text, text, text]);
    expect(process.cpuUsage(started).user).toBeLessThan(50_000);
  }
});
