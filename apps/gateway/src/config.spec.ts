import { randomBytes } from 'node:crypto';
import { ConfigError, loadConfig } from '@puerta/config';
import { newKeyPair } from '@puerta/testing';
import { allowedOrigins, gatewayConfig } from './config';

const spki = newKeyPair().publicKey.export({ type: 'spki', format: 'der' });

const environ = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://puerta.example.com',
  REDIS_URL: 'redis://redis:6379',
  STORAGE_URL: 'file:///var/lib/puerta/files',
  BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
};

const refusals = (more: Record<string, string>): string[] => {
  try {
    loadConfig(gatewayConfig, { ...environ, ...more });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
};

describe('the configuration of the gateway', () => {
  it('needs a public URL, a Redis, a secret and a place for files, and knows the rest', () => {
    expect(loadConfig(gatewayConfig, environ)).toMatchObject({
      PORT: 8080,
      HOST: '0.0.0.0',
      GATEWAY_RATE_LIMIT: true,
      GATEWAY_LOG_LEVEL: 'info',
      GATEWAY_CORS_ORIGINS: [],
      GATEWAY_TRUSTED_PROXIES: [],
      GATEWAY_HTTP_CLIENT_TIMEOUT: 60,
      GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS: 200,
      GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS: 100,
    });
    const needed = ['BUS_SECRET', 'PUBLIC_URL', 'REDIS_URL', 'STORAGE_URL'];
    expect(refusals(Object.fromEntries(needed.map((name) => [name, '']))).sort()).toEqual(needed);
  });

  it('takes its log level from LOG_LEVEL unless it has its own', () => {
    expect(loadConfig(gatewayConfig, { ...environ, LOG_LEVEL: 'debug' }).GATEWAY_LOG_LEVEL).toBe('debug');
    const both = { ...environ, LOG_LEVEL: 'debug', GATEWAY_LOG_LEVEL: 'WARNING' };
    expect(loadConfig(gatewayConfig, both).GATEWAY_LOG_LEVEL).toBe('warn');
  });

  it('refuses to switch limits off in production, and only there', () => {
    expect(refusals({ GATEWAY_RATE_LIMIT: 'off' })).toEqual(['GATEWAY_RATE_LIMIT']);
    expect(refusals({ GATEWAY_RATE_LIMIT: 'off', NODE_ENV: 'test' })).toEqual([]);
  });

  it.each([
    ['PUBLIC_URL', 'http://puerta.example.com'],
    ['FRONTEND_PROFILE_URL', 'http://front.example.com/profile'],
    ['GATEWAY_CORS_ORIGINS', '*'],
    ['GATEWAY_CORS_ORIGINS', 'https://app.example.com/'],
    ['VERCEL_FRONTEND_URL', 'app.vercel.app'],
    ['NGROK_URL', 'https://*.ngrok-free.app'],
    ['GATEWAY_TRUSTED_PROXIES', '0.0.0.0/0'],
    ['GATEWAY_TRUSTED_PROXIES', 'loopback'],
    ['GATEWAY_RATE_LIMIT_PER_ADDRESS', '0'],
    ['GATEWAY_RATE_LIMIT_PER_USER', '9'],
    ['GATEWAY_RATE_LIMIT_PER_COMPANY', '6000.5'],
    ['GATEWAY_RATE_LIMIT', 'sometimes'],
    ['GATEWAY_LOG_LEVEL', 'loud'],
    ['GATEWAY_JWT_ALGORITHM', 'hs256'],
    ['GATEWAY_JWT_ALGORITHM', 'HS512'],
    ['GATEWAY_JWT_SECRET', 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890'],
    ['GATEWAY_JWT_SECRET', 'clave_super_segura_cambia_esto'],
    ['GATEWAY_JWT_SECRET', spki.toString('base64')],
    ['GATEWAY_JWT_SECRET', spki.toString('base64url')],
    ['GATEWAY_JWT_SECRET', '-----BEGIN PUBLIC KEY----- MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'],
    ['GATEWAY_JWT_SECRET', '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}'],
    ['GATEWAY_INGEST_SERVICE_URL', 'http://ingest/api'],
    ['GATEWAY_QUERY_SERVICE_URL', 'http://user:word@query'],
    ['GATEWAY_AUTH_SERVICE_URL', 'http://auth?x=1'],
    ['GATEWAY_HTTP_CLIENT_TIMEOUT', '0'],
    ['GATEWAY_HTTP_CLIENT_TIMEOUT', '1.5'],
    ['GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS', '0'],
    ['GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS', '201'],
    ['PORT', '80a'],
    ['HOST', 'a b'],
    ['STORAGE_URL', '/var/lib/puerta'],
    ['STORAGE_URL', 's3://bucket'],
    ['BUS_SECRET', 'short'],
  ])('refuses %s=%s', (variable, value) => {
    expect(refusals({ [variable]: value })).toEqual([variable]);
  });

  it('refuses HS256 without its secret, and takes it with one', () => {
    expect(refusals({ GATEWAY_JWT_ALGORITHM: 'HS256' })).toEqual(['GATEWAY_JWT_SECRET']);
    const secret = randomBytes(32).toString('base64');
    expect(refusals({ GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: secret })).toEqual([]);
  });

  it('admits the origins of all three variables', () => {
    const config = loadConfig(gatewayConfig, {
      ...environ,
      GATEWAY_CORS_ORIGINS: 'https://a.example.com,https://b.example.com',
      VERCEL_FRONTEND_URL: 'https://c.vercel.app',
      NGROK_URL: 'https://d.ngrok-free.app',
    });
    expect([...allowedOrigins(config)]).toEqual([
      'https://a.example.com',
      'https://b.example.com',
      'https://c.vercel.app',
      'https://d.ngrok-free.app',
    ]);
  });
});
