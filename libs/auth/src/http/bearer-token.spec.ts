import { DomainError } from '@puerta/contracts';
import { stopwatch } from '@puerta/testing';
import { bearerChallenge } from './bearer-challenge';
import { bearerToken } from './bearer-token';

const read = (...rawHeaders: string[]): string => {
  try {
    return bearerToken({ rawHeaders });
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
};

describe('bearerToken', () => {
  it.each([
    ['Bearer abc.def-_~+/==', 'abc.def-_~+/=='],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
  ])('reads %j', (value, token) => {
    expect(read('Host', 'x', 'Authorization', value, 'Accept', '*/*')).toBe(token);
  });

  it('finds the header in any case', () => {
    expect(read('aUTHORIZATION', 'Bearer abc')).toBe('abc');
  });

  it('asks for a token when there is no header, whatever else says Authorization', () => {
    expect(read('Proxy-Authorization', 'Bearer abc', 'X', 'Authorization', 'Y', 'Bearer abc')).toBe('unauthenticated');
    expect(read()).toBe('unauthenticated');
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer  abc',
    'Bearer\tabc',
    ' Bearer abc',
    'Bearer abc ',
    'Bearer abc def',
    'Bearer abc,Bearer def',
    'Bearer =abc',
    'Bearer a=b',
    'Bearer "abc"',
    'Bearer a\u00e9',
    'Bearer: abc',
    'Bearerabc',
    'Basic YTpi',
    'Token abc',
    'abc',
    'Bearer abc\n',
    `Bearer ${'a'.repeat(5000)}`,
  ])('refuses %j', (value) => {
    expect(read('Authorization', value)).toBe('access_token_invalid');
  });

  it('refuses two headers, even of the same token', () => {
    expect(read('Authorization', 'Bearer abc', 'authorization', 'Bearer abc')).toBe('access_token_invalid');
    expect(read('Authorization', 'Bearer abc', 'Host', 'x', 'AUTHORIZATION', '')).toBe('access_token_invalid');
  });

  it('is not slowed down by a long header', () => {
    const elapsed = stopwatch();
    read('Authorization', `Bearer ${'='.repeat(100_000)}x`);
    read('Authorization', `Bearer ${'a'.repeat(4000)}${'='.repeat(190)}!`);
    expect(elapsed()).toBeLessThan(50);
  });
});

describe('bearerChallenge', () => {
  it('is for who has not shown who they are, and nobody else', () => {
    expect(bearerChallenge('invalid_credentials')).toBe('Bearer realm="puerta"');
    expect(bearerChallenge('role_required')).toBeUndefined();
    expect(bearerChallenge('auth_unavailable')).toBeUndefined();
  });

  it('says that a token was refused only if one was sent', () => {
    expect(bearerChallenge('unauthenticated')).toBe('Bearer realm="puerta"');
    expect(bearerChallenge('access_token_expired')).toBe('Bearer realm="puerta", error="invalid_token"');
  });
});
