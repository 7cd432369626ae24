import { ConfigError, loadConfig } from '@puerta/config';
import { newKeyPair } from '@puerta/testing';
import { randomBytes } from 'node:crypto';
import { tokenServiceConfig } from './config';

const random = (bytes = 32): string => randomBytes(bytes).toString('base64');
const key = random();
const publicPem = newKeyPair().publicKey.export({ type: 'spki', format: 'pem' });

const good = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://puerta.example.com',
  REDIS_URL: 'redis://:hRk2-unguessable@redis:6379',
  BUS_SECRET: `b1:${random()}`,
  DATABASE_URL: 'postgres://puerta:hRk2-unguessable@db/puerta',
  TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k1:${key}`,
};

/** What is wrong, by variable. */
function problems(changes: Record<string, string | undefined>): Record<string, string> {
  try {
    loadConfig(tokenServiceConfig, { ...good, ...changes });
    return {};
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map(({ variable, problem }) => [variable, problem]));
  }
}

describe('the configuration of the token service', () => {
  it('needs a public URL, a Redis, a database and secrets, and knows the rest', () => {
    expect(loadConfig(tokenServiceConfig, good)).toMatchObject({
      GATEWAY_JWT_ALGORITHM: 'ES256',
      TOKEN_SERVICE_ACCESS_TOKEN_SECONDS: 900,
      TOKEN_SERVICE_CODE_DIGITS: 6,
      TOKEN_SERVICE_DATABASE_URL: good.DATABASE_URL,
      TOKEN_SERVICE_KEY_ROTATION_DAYS: 30,
      TOKEN_SERVICE_ONETIME_EXPIRE_SECONDS: 10,
      TOKEN_SERVICE_REDIS_URL: good.REDIS_URL,
      TOKEN_SERVICE_SCAN_PASS_SECONDS: 120,
      TOKEN_SERVICE_USED_RETENTION_SECONDS: 3_600,
    });
    const required = Object.keys(good).filter((name) => name !== 'NODE_ENV');
    const missing = Object.keys(problems(Object.fromEntries(required.map((name) => [name, undefined]))));
    const named = required.map((name) => (name === 'DATABASE_URL' ? 'TOKEN_SERVICE_DATABASE_URL' : name));
    expect(missing.sort()).toEqual(named.sort());
  });

  it.each<[variable: string, value: string | undefined, problem: RegExp]>([
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', undefined, /^is not set; expected id:key/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', key, /^has an item without an id/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `K1:${key}`, /^has an item without an id/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `k1:${key},`, /^has an empty item/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `k1:${key},k1:${random()}`, /^has the same id twice/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `k2:${key},k1:${key}`, /^has the same key under two ids/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `k1:${random(31)}`, /^has a key \(k1\) that is too short: 31 bytes/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', `k1:${'0'.repeat(64)}`, /^has a key \(k1\) that is easy to guess/],
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', 'k1:change-me-change-me-change-me-please', /that is a placeholder/],
    ['BUS_SECRET', 'b1:short', /^has a key \(b1\) that is too short/],
    ['PUBLIC_URL', 'http://puerta.example.com', /^is not https/],
    ['PUBLIC_URL', 'https://puerta.example.com/', /^ends in a slash/],
    ['PUBLIC_URL', 'puerta.example.com', /^is not a URL/],
    ['DATABASE_URL', 'postgres://u:postgres@db/puerta', /^has a password that is a placeholder/],
    ['TOKEN_SERVICE_DATABASE_URL', 'mysql://u:p@db/puerta', /^does not begin with postgres/],
    ['TOKEN_SERVICE_DATABASE_URL', 'postgres://u:p@db', /^names no database/],
    ['DATABASE_POOL_SIZE', '0', /^is not a whole number from 2/],
    ['REDIS_URL', 'http://redis', /^does not begin with redis/],
    ['TOKEN_SERVICE_REDIS_URL', 'redis://:foobared@redis', /^has a password that is a placeholder/],
    ['TOKEN_SERVICE_REDIS_URL', 'redis-cluster://a,b/0', /^has a path/],
    ['TOKEN_SERVICE_REDIS_URL', 'localhost:6379', /^does not begin with/],
    ['TOKEN_SERVICE_KEY_ROTATION_DAYS', '0', /^is not a whole number from 1/],
    ['TOKEN_SERVICE_KEY_ROTATION_DAYS', 'monthly', /^is not a whole number/],
    ['TOKEN_SERVICE_ACCESS_TOKEN_SECONDS', '9', /^is not a whole number from 10/],
    ['TOKEN_SERVICE_ACCESS_TOKEN_SECONDS', '86401', /^is not a whole number from 10/],
    ['TOKEN_SERVICE_ACCESS_TOKEN_SECONDS', '15m', /^is not a whole number/],
    ['TOKEN_SERVICE_SCAN_PASS_SECONDS', '0', /^is not a whole number from 1/],
    ['TOKEN_SERVICE_ONETIME_EXPIRE_SECONDS', '0', /^is not a whole number from 1/],
    ['TOKEN_SERVICE_ONETIME_EXPIRE_SECONDS', '1e3', /^is not a whole number/],
    ['TOKEN_SERVICE_USED_RETENTION_SECONDS', '59', /^is not a whole number from 60/],
    ['TOKEN_SERVICE_CODE_DIGITS', '4', /^is not a whole number from 6 to 10/],
    ['TOKEN_SERVICE_CODE_DIGITS', '11', /^is not a whole number from 6 to 10/],
    ['GATEWAY_JWT_ALGORITHM', 'RS256', /^is not one of ES256, HS256/],
    ['GATEWAY_JWT_ALGORITHM', 'none', /^is not one of ES256, HS256/],
    ['GATEWAY_JWT_SECRET', 'TU_CLAVE_SECRETA_JWT_DE_PRODUCCION_MUY_SEGURA', /^is a placeholder/],
    ['GATEWAY_JWT_SECRET', 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890', /^is a placeholder/],
    ['GATEWAY_JWT_SECRET', 'short', /^is too short: 5 bytes/],
    ['GATEWAY_JWT_SECRET', random(31), /^is too short: 31 bytes/],
    ['GATEWAY_JWT_SECRET', 'ab'.repeat(32), /^is easy to guess/],
    ['GATEWAY_JWT_SECRET', String(publicPem), /^is a public or private key/],
    ['NODE_ENV', 'prod', /^is not one of development, test, production/],
    ['LOG_LEVEL', 'verbose', /^is not a log level/],
    ['BUS_PREFIX', 'a b', /^is not 1 to 32 letters/],
    ['INTERNAL_PORT', '70000', /^is not a port/],
  ])('is refused with %s=%s', (variable, value, problem) => {
    const found = problems({ [variable]: value });
    expect(found[variable]).toMatch(problem);
    expect(Object.keys(found)).toEqual([variable]);
    if (value && value.length > 8) expect(found[variable]).not.toContain(value);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['HS256 without a secret', { GATEWAY_JWT_ALGORITHM: 'HS256' }, ['GATEWAY_JWT_SECRET']],
    [
      'HS256 with a weak secret',
      { GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: 'x'.repeat(40) },
      ['GATEWAY_JWT_SECRET'],
    ],
    ['a secret twice', { GATEWAY_JWT_SECRET: random(), GATEWAY_JWT_SECRET_FILE: '/dev/null' }, ['GATEWAY_JWT_SECRET']],
    [
      'a secret in no file',
      { GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET_FILE: '/nowhere' },
      ['GATEWAY_JWT_SECRET'],
    ],
    [
      'three things at once',
      { PUBLIC_URL: 'x', LOG_LEVEL: 'x', TOKEN_SERVICE_CODE_DIGITS: 'x' },
      ['LOG_LEVEL', 'TOKEN_SERVICE_CODE_DIGITS', 'PUBLIC_URL'],
    ],
  ])('is refused with %s', (_, changes, variables) => {
    expect(Object.keys(problems(changes))).toEqual(variables);
  });
});
