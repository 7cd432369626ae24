import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  accessTokenConfig,
  accessTokenSecret,
  cidrs,
  commonConfig,
  ConfigError,
  databaseConfig,
  databaseUrl,
  defineConfig,
  describeConfig,
  flag,
  gatewayPostgresConfig,
  gatewayPostgresUrl,
  host,
  integer,
  keyring,
  loadConfig,
  logLevel,
  oneOf,
  origin,
  origins,
  password,
  port,
  publicUrl,
  redisUrl,
  seconds,
  secret,
  storageUrl,
  upstream,
  uuid,
} from './index';
import type { Environ } from './read-text';
import { keyPrefix } from './scalars';

const everything = defineConfig('sample', {
  ...commonConfig,
  ...databaseConfig('SAMPLE', gatewayPostgresUrl),
  ...gatewayPostgresConfig,
  ...accessTokenConfig,
  SAMPLE_SECRET: secret('Signs things'),
  SAMPLE_KEYS: keyring('Encrypts things'),
  PORT: port('Public port').default(8080),
  HOST: host('Public address').default('0.0.0.0'),
  PUBLIC_URL: publicUrl('What people see'),
  UPSTREAM_URL: publicUrl('Where things go').optional(),
  ORIGINS: origins('Who may call').default([]),
  NGROK_URL: origin('A tunnel').optional(),
  PROXIES: cidrs('Who is believed').default([]),
  TTL: seconds('How long', { min: 1, max: 3600 }).default(60),
  WORKERS: integer('How many', { min: 1, max: 8 }).default(2),
  SPARES: integer('How many of them wait', { min: 0, max: 8 }).meta({ atMost: 'WORKERS' }).default(2),
  SERVICE_URL: upstream('What is asked').optional(),
  LIMITS: flag('Whether limits apply', (on, environment) =>
    on || environment !== 'production' ? undefined : 'is off',
  ).default(true),
  CREATION: oneOf('Who may create', ['open', 'operator']).default('open'),
  COMPANY: uuid('The default one').optional(),
  OTHER_PASSWORD: password('Of something else').optional(),
  STORAGE_URL: storageUrl('Where files are').optional(),
});

const PASSWORD = 'hRk2-unguessable';
const good: Environ = {
  NODE_ENV: 'production',
  REDIS_URL: `redis://:${PASSWORD}@redis.internal:6379`,
  BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
  DATABASE_URL: `postgres://puerta:${PASSWORD}@db.internal/puerta`,
  SAMPLE_SECRET: randomBytes(32).toString('base64'),
  SAMPLE_KEYS: `k2:${randomBytes(32).toString('base64url')},k1:${randomBytes(32).toString('base64')}`,
  PUBLIC_URL: 'https://puerta.example.com',
};

function problemsOf(environ: Environ): Record<string, string> {
  try {
    loadConfig(everything, environ);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map(({ variable, problem }) => [variable, problem]));
  }
  return {};
}

describe('a good configuration', () => {
  it('is parsed, with defaults for what is not set', () => {
    const config = loadConfig(everything, {
      ...good,
      PORT: '9090',
      LIMITS: 'OFF',
      NODE_ENV: 'test',
      LOG_LEVEL: 'WARNING',
    });
    expect(config).toMatchObject({
      PORT: 9090,
      HOST: '0.0.0.0',
      LIMITS: false,
      TTL: 60,
      ORIGINS: [],
      LOG_LEVEL: 'warn',
      NODE_ENV: 'test',
      BUS_PREFIX: 'bus',
      DATABASE_POOL_SIZE: 10,
    });
    expect(config.UPSTREAM_URL).toBeUndefined();
  });

  it('applies the rules of production when NODE_ENV is not set', () => {
    expect(loadConfig(everything, { ...good, NODE_ENV: undefined }).NODE_ENV).toBe('production');
    expect(problemsOf({ ...good, NODE_ENV: undefined, PUBLIC_URL: 'http://a.example' })).toHaveProperty('PUBLIC_URL');
  });

  it('counts blank values as not set and ignores surrounding white space', () => {
    const config = loadConfig(everything, { ...good, PORT: '  ', COMPANY: '', HOST: ' localhost\n' });
    expect([config.PORT, config.COMPANY, config.HOST]).toEqual([8080, undefined, 'localhost']);
  });

  it('reads lists of origins and networks', () => {
    const config = loadConfig(everything, {
      ...good,
      ORIGINS: 'https://a.example, http://localhost:3000',
      PROXIES: '10.0.0.0/8,::1,192.0.2.7',
    });
    expect(config.ORIGINS).toEqual(['https://a.example', 'http://localhost:3000']);
    expect(config.PROXIES).toEqual(['10.0.0.0/8', '::1', '192.0.2.7']);
  });

  it.each([
    ['file:///var/lib/my%20files', { kind: 'folder', path: '/var/lib/my files' }],
    [
      's3://bucket?region=eu-west-1',
      { kind: 's3', bucket: 'bucket', region: 'eu-west-1', endpoint: undefined, forcePathStyle: false },
    ],
    [
      's3://bucket?endpoint=https://files.example.com',
      {
        kind: 's3',
        bucket: 'bucket',
        region: 'us-east-1',
        endpoint: 'https://files.example.com',
        forcePathStyle: true,
      },
    ],
  ])('knows where files are by %s', (url, place) => {
    expect(loadConfig(everything, { ...good, STORAGE_URL: url }).STORAGE_URL).toEqual(place);
  });

  it('falls back from the bus to the common Redis and from the service to the common database', () => {
    const config = loadConfig(everything, good);
    expect(config.REDIS_BUS_URL).toBe(good['REDIS_URL']);
    expect(config.SAMPLE_DATABASE_URL).toBe(good['DATABASE_URL']);
    const own = loadConfig(everything, {
      ...good,
      SAMPLE_DATABASE_URL: 'postgresql://x:y@own/z',
      REDIS_BUS_URL: 'rediss://bus',
    });
    expect([own.SAMPLE_DATABASE_URL, own.REDIS_BUS_URL]).toEqual(['postgresql://x:y@own/z', 'rediss://bus']);
  });

  it.each([
    `redis://user:${PASSWORD}@host/3`,
    `redis://[::1]:6379`,
    `redis-sentinel://user:${PASSWORD}@a:26379,b:26379,[fd00::1]:26379/mymaster`,
    `rediss-sentinel://a/main.primary/2?sentinel_user=s&sentinel_password=${PASSWORD}`,
    `redis-cluster://user:${PASSWORD}@a:7000, b:7001`,
    'rediss-cluster://a',
  ])('accepts a Redis by %s', (url) => {
    expect(loadConfig(everything, { ...good, REDIS_URL: url }).REDIS_URL).toBe(url);
  });

  it('puts a database URL together from pieces, before DATABASE_URL, escaping what needs it', () => {
    const pieces = {
      GATEWAY_POSTGRES_SERVER: 'db',
      GATEWAY_POSTGRES_USER: 'u',
      GATEWAY_POSTGRES_DB: 'a/b',
      GATEWAY_POSTGRES_PASSWORD: 'p@:/%',
    };
    expect(loadConfig(everything, { ...good, ...pieces }).SAMPLE_DATABASE_URL).toBe(
      'postgres://u:p%40%3A%2F%25@db:5432/a%2Fb',
    );
    const v6 = { ...good, ...pieces, GATEWAY_POSTGRES_SERVER: '::1', GATEWAY_POSTGRES_PORT: '6543' };
    expect(loadConfig(everything, v6).SAMPLE_DATABASE_URL).toBe('postgres://u:p%40%3A%2F%25@[::1]:6543/a%2Fb');
  });

  it('accepts a database behind a socket', () => {
    const url = 'postgres://u:pw-long@/puerta?host=/var/run/postgresql';
    const socket = 'postgres:///puerta?host=/var/run/postgresql';
    expect(problemsOf({ ...good, DATABASE_URL: socket })).toEqual({});
    expect(problemsOf({ ...good, DATABASE_URL: url })).toHaveProperty('DATABASE_URL'); // not a URL: user without a host
  });

  it('lowers a default to the other variable that it must not be above', () => {
    expect(loadConfig(everything, { ...good, WORKERS: '1' }).SPARES).toBe(1);
    expect(loadConfig(everything, { ...good, WORKERS: '8' }).SPARES).toBe(2);
    expect(loadConfig(everything, { ...good, WORKERS: '8', SPARES: '8' }).SPARES).toBe(8);
  });

  it.each([
    ['http://ingest:80', 'http://ingest'],
    ['https://ingest:443', 'https://ingest'],
    ['http://ingest-api.prod.svc.cluster.local:8000', 'http://ingest-api.prod.svc.cluster.local:8000'],
    ['http://[fd00::7]:8000', 'http://[fd00::7]:8000'],
  ])('reads the origin of a service: %s', (text, origin) => {
    expect(loadConfig(everything, { ...good, SERVICE_URL: text }).SERVICE_URL).toBe(origin);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfig(everything, good))).toBe(true);
  });

  it('shows no secret when it is printed or serialised', () => {
    const config = loadConfig(everything, { ...good, OTHER_PASSWORD: PASSWORD });
    const shown = JSON.stringify(config) + inspect(config, { depth: 9, showHidden: true });
    expect(shown).toContain('https://puerta.example.com');
    for (const text of [
      PASSWORD,
      good['SAMPLE_SECRET'],
      ...(good['SAMPLE_KEYS'] ?? '').split(/[:,]/).filter((s) => s.length > 9),
    ]) {
      expect(shown).not.toContain(text);
    }
  });
});

describe('secrets', () => {
  const key = (text: string): Buffer => loadConfig(everything, { ...good, SAMPLE_SECRET: text }).SAMPLE_SECRET.export();

  it('are 32 bytes, the same in base64, base64url and hex', () => {
    const bytes = Buffer.from('fb'.repeat(4) + randomBytes(28).toString('hex'), 'hex');
    for (const encoding of ['base64', 'base64url', 'hex'] as const)
      expect(key(bytes.toString(encoding))).toEqual(bytes);
  });

  it('are hashed to 32 bytes when they are longer or a text', () => {
    expect(key(randomBytes(48).toString('base64'))).toHaveLength(32);
    expect(key('correct horse battery staple, and then some')).toHaveLength(32);
    expect(key('correct horse battery staple, and then some')).not.toEqual(
      key('correct horse battery staple, and then none'),
    );
  });

  it('accept what every random generator makes', () => {
    for (let i = 0; i < 2_000; i++) {
      const bytes = randomBytes(32);
      const text = bytes.toString((['base64', 'base64url', 'hex'] as const)[i % 3]);
      expect(problemsOf({ ...good, SAMPLE_SECRET: text })).toEqual({});
    }
  });

  it('that others share are the bytes of their text, however it is written', () => {
    const texts = [
      randomBytes(32).toString('base64'),
      randomBytes(48).toString('hex'),
      'señora, un texto muy largo y nada común',
    ];
    for (const text of texts) {
      const config = loadConfig(everything, { ...good, GATEWAY_JWT_SECRET: text, GATEWAY_JWT_ALGORITHM: 'HS256' });
      expect(accessTokenSecret(config)?.export()).toEqual(Buffer.from(text, 'utf8'));
    }
  });

  it('that others share are needed with HS256, and not used without', () => {
    expect(problemsOf({ ...good, GATEWAY_JWT_ALGORITHM: 'HS256' })).toEqual({
      GATEWAY_JWT_SECRET: expect.stringMatching(
        /^is not set, and GATEWAY_JWT_ALGORITHM=HS256 needs it; expected a text of at least 32/,
      ),
    });
    const config = loadConfig(everything, { ...good, GATEWAY_JWT_SECRET: randomBytes(32).toString('hex') });
    expect([config.GATEWAY_JWT_ALGORITHM, accessTokenSecret(config)]).toEqual(['ES256', undefined]);
  });

  it('in a keyring are found by id, the first making new things', () => {
    const { SAMPLE_KEYS: keys } = loadConfig(everything, good);
    expect([keys.current.id, keys.ids, keys.get('k3')]).toEqual(['k2', ['k2', 'k1'], undefined]);
    expect(keys.get('k2')).toBe(keys.current.key);
    expect(keys.get('k1')?.symmetricKeySize).toBe(32);
  });

  it('accept in development what is refused elsewhere, if it is long enough', () => {
    const weak = {
      ...good,
      SAMPLE_SECRET: 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890',
      SAMPLE_KEYS: `k:${'z'.repeat(32)}`,
      DATABASE_URL: 'postgres://postgres:postgres@localhost/puerta',
      PUBLIC_URL: 'http://10.0.0.7:8080',
    };
    expect(problemsOf({ ...weak, NODE_ENV: 'development' })).toEqual({});
    for (const NODE_ENV of ['test', 'production']) {
      expect(Object.keys(problemsOf({ ...weak, NODE_ENV }))).toEqual([
        'DATABASE_URL',
        'SAMPLE_SECRET',
        'SAMPLE_KEYS',
        'PUBLIC_URL',
      ]);
    }
  });
});

it('accepts plain http outside development on the loopback of tests alone', () => {
  for (const host of ['127.0.0.1:8080', 'localhost', '[::1]:1']) {
    expect(problemsOf({ ...good, NODE_ENV: 'test', PUBLIC_URL: `http://${host}` })).toEqual({});
    expect(problemsOf({ ...good, PUBLIC_URL: `http://${host}` })).toHaveProperty('PUBLIC_URL');
  }
  for (const host of ['localhost.example.com', '127.0.0.10', '10.0.0.7']) {
    expect(problemsOf({ ...good, NODE_ENV: 'test', PUBLIC_URL: `http://${host}` })).toHaveProperty('PUBLIC_URL');
  }
});

describe('secrets in files', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'config-'))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('are read without their last line break', () => {
    const config = loadConfig(everything, {
      ...good,
      DATABASE_URL: '',
      DATABASE_URL_FILE: file('url', 'postgres://a:pass-phrase@b/c\n'),
      OTHER_PASSWORD_FILE: file('pw', ' with inner space \r\n'),
    });
    expect(config.SAMPLE_DATABASE_URL).toBe('postgres://a:pass-phrase@b/c');
    expect(config.OTHER_PASSWORD).toBe('with inner space');
  });

  it('cannot be missing, empty, too large, or given twice', () => {
    const bad = (path: string): string | undefined =>
      problemsOf({ ...good, SAMPLE_SECRET: undefined, SAMPLE_SECRET_FILE: path })['SAMPLE_SECRET'];
    expect(bad(join(folder, 'none'))).toMatch(/^cannot be read from the file that SAMPLE_SECRET_FILE names \(ENOENT\)/);
    expect(bad(folder)).toMatch(/EISDIR/);
    expect(bad(file('empty', '\n'))).toMatch(/is empty/);
    expect(bad(file('large', 'x'.repeat(70_000)))).toMatch(/more than 65536 bytes/);
    expect(problemsOf({ ...good, SAMPLE_SECRET_FILE: file('two', 'y') })['SAMPLE_SECRET']).toMatch(/set one of them/);
  });

  it('are for secrets alone', () => {
    expect(loadConfig(everything, { ...good, PORT_FILE: file('port', '1') }).PORT).toBe(8080);
  });
});

/** Self-signed, by a key that is gone. */
const CERTIFICATE = [
  'MIIBLjCB4aADAgECAhQhIVg8YYvcugd9ZLxIdM5uyaXlrzAFBgMrZXAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjUwOTU3NDJaGA8y',
  'MTI2MTEwMTA5NTc0MlowDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAOyq8oT/FC2Q4PfCKQcQHSnlERTHUVxGI1cOZ+/lchE4o1Mw',
  'UTAdBgNVHQ4EFgQUPzqSy4okzRs7q178wwWFToWn1jgwHwYDVR0jBBgwFoAUPzqSy4okzRs7q178wwWFToWn1jgwDwYDVR0TAQH/',
  'BAUwAwEB/zAFBgMrZXADQQBw+3N6xWd8Xr3dv3AJI6wrZCCsfLG2odKJfrDEKT4tRTGCRNnyQSmy+HH/+nHHlHwNT6ERZIqGEJFH',
  'Pc7hyJEP',
].join('');

/** Not as it is generated: exporting such a key can deadlock Node 20. */
function keyPair(kind: 'ec' | 'rsa') {
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  const { publicKey, privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding })
      : generateKeyPairSync('rsa', { modulusLength: 1_024, publicKeyEncoding, privateKeyEncoding });
  return { publicKey: createPublicKey(publicKey), privateKey: createPrivateKey(privateKey) };
}

/** Keys that are public, or that sign otherwise than by HMAC, as they get into variables. */
function asymmetricKeys(): [form: string, text: string][] {
  const { publicKey, privateKey } = keyPair('ec');
  const rsa = keyPair('rsa');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
  const ssh = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), randomBytes(32)]).toString('base64');
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return [
    ['PEM', pem],
    ['PEM in base64', base64(pem)],
    ['JWK', jwk],
    ['JWK in base64', base64(jwk)],
    ['a list of JWK', `[${jwk}]`],
    ['a key set', `{"keys":[${jwk}]}`],
    ['SPKI', spki.toString('base64')],
    ['SPKI in base64url', spki.toString('base64url')],
    ['SPKI in hex', spki.toString('hex')],
    ['a public key of PKCS#1', rsa.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')],
    ['a private key of PKCS#1', rsa.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')],
    ['PKCS#8', privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')],
    ['SEC1', privateKey.export({ type: 'sec1', format: 'der' }).toString('base64')],
    ['a certificate', CERTIFICATE],
    ['a certificate in hex', Buffer.from(CERTIFICATE, 'base64').toString('hex')],
    ['OpenSSH', `ssh-ed25519 ${ssh} ana@example.com`],
    ['OpenSSH without its name', ssh],
    ['ECDSA of OpenSSH', `ecdsa-sha2-nistp256 ${ssh}`],
  ];
}

describe('a shared secret', () => {
  it.each(asymmetricKeys())('is no key of another kind, which may well be public: %s', (_, text) => {
    const config = defineConfig('sample', accessTokenConfig);
    expect(() =>
      loadConfig(config, { NODE_ENV: 'development', GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: text }),
    ).toThrow(/GATEWAY_JWT_SECRET is a public or private key, or a certificate, where a secret belongs/);
  });
});

describe('a bad configuration', () => {
  const hex16 = randomBytes(16).toString('hex');
  const random = randomBytes(32).toString('base64');
  const pem = keyPair('ec').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const cases: [variable: string, value: string | undefined, problem: RegExp][] = [
    ['NODE_ENV', 'staging', /^is not one of development, test, production/],
    ['LOG_LEVEL', 'loud', /^is not a log level; expected one of trace/],
    ['LOG_LEVEL', 'constructor', /^is not a log level/],
    ['REDIS_URL', undefined, /^is not set; expected a Redis URL/],
    ['REDIS_URL', 'http://redis', /^does not begin with redis:\/\/, redis-sentinel:\/\/ or redis-cluster:\/\//],
    ['REDIS_URL', 'redis://', /^names no host/],
    ['REDIS_URL', 'redis://:6379', /^is not a URL/],
    ['REDIS_URL', 'redis://a,b', /^names several hosts/],
    ['REDIS_URL', 'redis://h:99999', /^is not a URL/],
    ['REDIS_URL', 'redis-sentinel://a:1,b:99999/m', /^has an item that is not host:port/],
    ['REDIS_URL', 'redis-sentinel://a,a/m', /^names something twice/],
    ['REDIS_URL', 'redis-sentinel://a,,b/m', /^has an empty item/],
    ['REDIS_URL', 'redis-sentinel://a:26379', /^does not say by which name the Sentinels know the primary/],
    ['REDIS_URL', 'redis-sentinel://a/m/x', /^has more after the name than a database number/],
    ['REDIS_URL', 'redis-sentinel://a/m/1/2', /^has more after the name/],
    ['REDIS_URL', 'redis-sentinel://a/m?tls=1', /^has a parameter other than sentinel_user and sentinel_password/],
    ['REDIS_URL', 'redis-sentinel://a/m?sentinel_password=foobared', /^has a password that is a placeholder/],
    ['REDIS_URL', 'redis-cluster://a,b/0', /^has a path; a Cluster has no database numbers/],
    ['REDIS_URL', 'redis-cluster://a?x=1', /^has parameters/],
    ['REDIS_URL', 'redis-cluster://:foobared@a,b', /^has a password that is a placeholder/],
    ['REDIS_URL', 'rediss-cluster://u:50%@a', /^has a password with a wrong percent sign/],
    ['REDIS_URL', 'redis://host/db', /^has a path that is not a database number/],
    ['REDIS_URL', 'redis://:foobared@host', /^has a password that is a placeholder/],
    ['REDIS_BUS_URL', 'localhost:6379', /^does not begin with/],
    ['BUS_PREFIX', 'a{b}', /^is not 1 to 32 letters/],
    ['INTERNAL_HOST', '1.2.3', /^is not a host name/],
    ['INTERNAL_HOST', 'a b', /^is not a host name/],
    ['INTERNAL_HOST', 'host:80', /^is not a host name/],
    ['INTERNAL_PORT', '65536', /^is not a port/],
    ['PUERTA_EXIT_WITH_PARENT', 'maybe', /^is neither on nor off/],
    ['PORT', '80a', /^is not a port/],
    ['PORT', '-1', /^is not a port/],
    ['PORT', '1e3', /^is not a port/],
    ['PORT', '0x50', /^is not a port/],
    ['DATABASE_URL', 'mysql://u:p@h/d', /^does not begin with postgres:\/\/ or postgresql:\/\//],
    ['DATABASE_URL', 'postgres://u:p@h', /^names no database/],
    ['DATABASE_URL', 'postgres://u:p@h/', /^names no database/],
    ['DATABASE_URL', 'postgres:///d', /^names no host/],
    ['DATABASE_URL', 'not a url', /^is not a URL/],
    ['DATABASE_URL', 'postgres://u:50%@h/d', /^has a password with a wrong percent sign/],
    ['DATABASE_URL', 'postgres://u:postgres@h/d', /^has a password that is a placeholder/],
    ['DATABASE_URL', 'postgres://u:tu_password_de_pg_local@h/d', /^has a password that is a placeholder/],
    ['DATABASE_URL', `postgres://u:${encodeURIComponent('contraseña')}@h/d`, /^has a password that is a placeholder/],
    [
      'SAMPLE_DATABASE_URL',
      `postgres://u:${encodeURIComponent('LA_CONTRASEÑA_REAL_DE_POSTGRES_EN_PRODUCCION')}@h/d`,
      /placeholder/,
    ],
    ['DATABASE_POOL_SIZE', '1', /^is not a whole number from 2 to 500/],
    ['SAMPLE_SECRET', undefined, /^is not set; expected at least 32 random bytes/],
    ['SAMPLE_SECRET', 'clave_super_segura_cambia_esto', /^is too short: 30 bytes/],
    ['SAMPLE_SECRET', 'clave_super_segura_cambia_esto_2', /^is a placeholder/],
    ['SAMPLE_SECRET', 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890', /^is a placeholder/],
    ['SAMPLE_SECRET', 'TU_CLAVE_SECRETA_JWT_DE_PRODUCCION_MUY_SEGURA', /^is a placeholder/],
    ['SAMPLE_SECRET', 'LA_CONTRASEÑA_REAL_DE_POSTGRES_EN_PRODUCCION', /^is a placeholder/],
    ['SAMPLE_SECRET', 'change-me-change-me-change-me-please', /^is a placeholder/],
    ['SAMPLE_SECRET', Buffer.from('TU_CLAVE_SECRETA_JWT_DE_PRODUCCION').toString('base64'), /^is a placeholder/],
    ['SAMPLE_SECRET', 'a'.repeat(64), /^is easy to guess/],
    ['SAMPLE_SECRET', Buffer.alloc(32).toString('base64'), /^is easy to guess/],
    ['SAMPLE_SECRET', '0123456789abcdefghij'.repeat(3), /^is easy to guess/],
    ['SAMPLE_SECRET', 'abcdefghijklmnopqrstuvwxyz0123456789', /^is easy to guess/],
    ['SAMPLE_SECRET', hex16, /^is too short: 16 bytes/],
    ['SAMPLE_SECRET', randomBytes(31).toString('base64'), /^is too short: 31 bytes/],
    ['GATEWAY_JWT_ALGORITHM', 'hs256', /^is not one of ES256, HS256/],
    ['GATEWAY_JWT_ALGORITHM', 'none', /^is not one of ES256, HS256/],
    ['GATEWAY_JWT_SECRET', 'short', /^is too short: 5 bytes/],
    ['GATEWAY_JWT_SECRET', hex16, /^is too short: 16 bytes/],
    ['GATEWAY_JWT_SECRET', 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890', /^is a placeholder/],
    ['GATEWAY_JWT_SECRET', 'TU_CLAVE_SECRETA_JWT_DE_PRODUCCION_MUY_SEGURA', /^is a placeholder/],
    ['GATEWAY_JWT_SECRET', 'a'.repeat(64), /^is easy to guess/],
    ['GATEWAY_JWT_SECRET', pem, /^is a public or private key, or a certificate, where a secret belongs/],
    ['SAMPLE_KEYS', random, /^has an item without an id/],
    ['SAMPLE_KEYS', `K1:${random}`, /^has an item without an id/],
    ['SAMPLE_KEYS', `12345678901234567:${random}`, /^has an item without an id/],
    ['SAMPLE_KEYS', `a:${random},`, /^has an empty item/],
    ['SAMPLE_KEYS', `a:${random},a:${hex16}${hex16.split('').reverse().join('')}`, /^has the same id twice/],
    ['SAMPLE_KEYS', `a:${random},b:${random}`, /^has the same key under two ids/],
    ['SAMPLE_KEYS', `a:${random},b:short`, /^has a key \(b\) that is too short: 5 bytes/],
    ['SAMPLE_KEYS', `a:${random},b:${'z'.repeat(40)}`, /^has a key \(b\) that is easy to guess/],
    ['PUBLIC_URL', undefined, /^is not set/],
    ['PUBLIC_URL', 'http://puerta.example.com', /^is not https, which is refused when NODE_ENV is production/],
    ['PUBLIC_URL', 'https://puerta.example.com/', /^ends in a slash/],
    ['PUBLIC_URL', `https://u:${PASSWORD}@puerta.example.com`, /^holds credentials/],
    ['PUBLIC_URL', 'https://puerta.example.com/a?b', /^has a query or a fragment/],
    ['PUBLIC_URL', 'https://puerta.example.com#', /^has a query or a fragment/],
    ['PUBLIC_URL', 'https://Puerta.example.com:443', /^is not in its normal form/],
    ['PUBLIC_URL', 'ftp://puerta.example.com', /^does not begin with http:/],
    ['UPSTREAM_URL', 'upstream:80', /^does not begin with http:/],
    ['STORAGE_URL', '/var/lib/files', /^is not a URL/],
    ['STORAGE_URL', 'https://bucket', /^begins with neither file:\/\/ nor s3:\/\//],
    ['STORAGE_URL', 'file://host/files', /^names a host or has a query/],
    ['STORAGE_URL', 'file:///', /^names the root of the file system/],
    ['STORAGE_URL', 'file:///a%00b', /^has a path that no file system has/],
    ['STORAGE_URL', 'file:///a%2Fb', /^has a path that no file system has/],
    ['STORAGE_URL', `s3://key:${PASSWORD}@bucket?region=x`, /^holds credentials or a fragment/],
    ['STORAGE_URL', 's3://bucket', /^names neither a region nor an endpoint/],
    ['STORAGE_URL', 's3://my.bucket?region=eu-west-1', /^does not name a bucket alone/],
    ['STORAGE_URL', 's3://bucket/folder?region=eu-west-1', /^does not name a bucket alone/],
    ['STORAGE_URL', 's3://bucket?region=EU', /^has a region that is none/],
    ['STORAGE_URL', 's3://bucket?region=x&region=y', /^has a parameter twice/],
    ['STORAGE_URL', 's3://bucket?region=x&secret=y', /^has a parameter twice, or another than endpoint/],
    ['STORAGE_URL', 's3://bucket?endpoint=https://files.example.com/path', /^has an endpoint that is no http or https/],
    [
      'STORAGE_URL',
      's3://bucket?endpoint=http://files.example.com',
      /^has an endpoint that is not https, which is refus/,
    ],
    ['STORAGE_URL', 's3://bucket?region=x&forcePathStyle=1', /^has a forcePathStyle that is neither true nor false/],
    ['ORIGINS', '*', /^has a wildcard/],
    ['ORIGINS', 'https://*.example.com', /^has a wildcard/],
    ['ORIGINS', 'https://a.example/', /^has an item that is not an exact origin/],
    ['ORIGINS', 'https://a.example,,https://b.example', /^has an empty item/],
    ['ORIGINS', 'https://a.example,https://a.example', /^names something twice/],
    ['ORIGINS', 'null', /^is not a URL/],
    ['NGROK_URL', 'https://x.ngrok-free.app/path', /^has an item that is not an exact origin/],
    ['PROXIES', '10.0.0.0/33', /^has an item with a wrong prefix length/],
    ['PROXIES', '0.0.0.0/0', /^has a network of all addresses/],
    ['PROXIES', '::/00', /^has a network of all addresses/],
    ['PROXIES', '10.0.0.0/8/8', /^has an item that is not an address/],
    ['PROXIES', 'proxy.internal', /^has an item that is not an address/],
    ['TTL', '1.5', /^is not a whole number from 1 to 3600; expected a whole number of seconds from/],
    ['TTL', '0', /^is not a whole number/],
    ['WORKERS', '9', /^is not a whole number from 1 to 8/],
    ['SPARES', '3', /^is more than WORKERS; expected a whole number from 0 to 8/],
    ['SERVICE_URL', 'ingest:80', /^does not begin with http/],
    ['SERVICE_URL', 'ftp://ingest', /^does not begin with http/],
    ['SERVICE_URL', 'http://user:word@ingest', /^holds credentials/],
    ['SERVICE_URL', 'http://ingest/', /^has a path/],
    ['SERVICE_URL', 'http://ingest/api', /^has a path/],
    ['SERVICE_URL', 'http://ingest?x', /^has a query/],
    ['SERVICE_URL', 'http://ingest#x', /^has a query/],
    ['SERVICE_URL', 'http://Ingest', /^is not in its normal form/],
    ['SERVICE_URL', 'http://0x7f.1', /^is not in its normal form/],
    ['SERVICE_URL', 'http:ingest', /^is not in its normal form/],
    ['SERVICE_URL', 'http://ingest:0', /^names no host and port/],
    ['SERVICE_URL', 'http://*.ingest', /^names no host and port/],
    ['LIMITS', 'off', /^is off, which is refused when NODE_ENV is production/],
    ['CREATION', 'Open', /^is not one of open, operator/],
    ['COMPANY', 'un-uuid-valido-de-compania-en-tu-db-local', /^is not a UUID/],
    ['GATEWAY_POSTGRES_PASSWORD', 'tu_password_de_pg_local', /^is a placeholder/],
    ['OTHER_PASSWORD', 'Postgres', /^is a placeholder/],
  ];

  it.each(cases)('is refused: %s = %s', (variable, value, problem) => {
    const problems = problemsOf({ ...good, [variable]: value });
    expect(problems[variable]).toMatch(problem);
    expect(Object.keys(problems)).toEqual([variable]);
  });

  it('asks for the missing pieces of a database URL', () => {
    const problems = problemsOf({ ...good, GATEWAY_POSTGRES_SERVER: 'db', GATEWAY_POSTGRES_USER: 'u' });
    expect(problems).toEqual({
      SAMPLE_DATABASE_URL: expect.stringMatching(
        /^cannot be made from GATEWAY_POSTGRES_\w+, GATEWAY_POSTGRES_USER: GATEWAY_POSTGRES_DB, \w+_PASSWORD not set/,
      ),
    });
  });

  it('names every way to give the database when there is none', () => {
    expect(problemsOf({ ...good, DATABASE_URL: '' })['SAMPLE_DATABASE_URL']).toMatch(
      /^is not set, nor GATEWAY_POSTGRES_SERVER, nor .*, nor DATABASE_URL; expected a PostgreSQL URL/,
    );
  });

  it('has all its problems reported at once, and its values never', () => {
    const bad = Object.fromEntries(cases.map(([name]) => [name, `canary {${PASSWORD}} ${'x'.repeat(64)}`]));
    let message = '';
    try {
      loadConfig(everything, { ...bad, NODE_ENV: 'production', SAMPLE_SECRET: PASSWORD });
    } catch (error) {
      message = String(error) + inspect(error) + JSON.stringify(error);
    }
    const fits = ['NODE_ENV', 'GATEWAY_POSTGRES_PASSWORD', 'OTHER_PASSWORD'];
    for (const name of Object.keys(bad)) if (!fits.includes(name)) expect(message).toContain(`  ${name} `);
    expect(message).not.toContain(PASSWORD);
    expect(message).not.toContain('canary');
  });

  it('is reported where it is, not where its value is borrowed', () => {
    expect(problemsOf({ ...good, REDIS_URL: 'http://x', DATABASE_URL: 'x' })).toEqual({
      REDIS_URL: expect.any(String),
      DATABASE_URL: expect.any(String),
    });
  });
});

describe('the documentation of variables', () => {
  const rows = describeConfig(everything);

  it('has a description and an expectation for each', () => {
    expect(rows.map((row) => row.name)).toEqual(Object.keys(everything.shape));
    for (const row of rows) {
      expect(row).toEqual({
        name: expect.stringMatching(/^[A-Z][A-Z0-9_]+$/),
        app: 'sample',
        description: expect.stringMatching(/^[A-Z].{5,}/),
        expected: expect.stringMatching(/.{3,}/),
        default: row.default,
        required: expect.any(Boolean),
        secret: expect.any(Boolean),
        fallbacks: row.fallbacks,
        neededWith: row.neededWith,
        atMost: row.atMost,
      });
    }
  });

  it('says what is required, secret, defaulted and borrowed', () => {
    const row = (name: string) => rows.find((candidate) => candidate.name === name);
    expect(row('SAMPLE_SECRET')).toMatchObject({ required: true, secret: true, default: null });
    expect(row('PORT')).toMatchObject({ required: false, secret: false, default: '8080' });
    expect(row('LIMITS')).toMatchObject({ default: 'on' });
    expect(row('SPARES')).toMatchObject({ default: '2', atMost: 'WORKERS' });
    expect(row('REDIS_BUS_URL')).toMatchObject({ required: false, secret: true, fallbacks: ['REDIS_URL'] });
    expect(row('COMPANY')).toMatchObject({ required: false, default: null });
    expect(row('GATEWAY_JWT_SECRET')).toMatchObject({ required: false, neededWith: 'GATEWAY_JWT_ALGORITHM=HS256' });
  });
});

it('throws a programming error in a reader as it is', () => {
  const broken = defineConfig('broken', {
    URL: databaseUrl('x'),
    PREFIX: keyPrefix('x'),
    LEVEL: logLevel('x'),
    R: redisUrl('x'),
  });
  expect(() => loadConfig(broken, {})).toThrow(ConfigError);
});
