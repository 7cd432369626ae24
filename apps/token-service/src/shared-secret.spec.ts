import { KeyStore, SharedSecret, TokenVerifier } from '@puerta/auth';
import { randomBytes, randomUUID } from 'node:crypto';
import { verify } from 'jsonwebtoken';
import { ISSUER, TestTokenService } from '../test/token-service';

const secret = randomBytes(32).toString('base64');
let service: TestTokenService;

beforeAll(async () => {
  service = await TestTokenService.create();
  await service.start({ GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: secret });
});

afterAll(() => service.close());

const request = () => ({
  user_id: randomUUID(),
  email: 'ana@example.com',
  roles: ['admin' as const],
  session_id: randomUUID(),
});

describe('with a shared secret', () => {
  it('access tokens are HS256, as whoever has the secret as a text verifies them', async () => {
    const asked = request();
    const { token } = await (await service.as('identity')).request('access-tokens.issue', asked);
    const { header, payload } = verify(token, secret, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: 'puerta',
      complete: true,
    });
    const { key } = new SharedSecret(service.config({ GATEWAY_JWT_SECRET: secret }).GATEWAY_JWT_SECRET ?? fail());
    expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: key.kid });
    expect(payload).toMatchObject({
      sub: asked.user_id,
      sid: asked.session_id,
      email: 'ana@example.com',
      roles: ['admin'],
    });
  });

  it('scan passes stay ES256, and what is published holds their key alone', async () => {
    const gateway = await service.as('gateway');
    const published = await gateway.request('keys.public', {});
    expect(new Set(published.keys.map(({ kty, alg }) => `${kty} ${alg}`))).toEqual(new Set(['EC ES256']));
    const { token } = await (await service.as('card-issuer')).request('scan-passes.issue', { scan_id: randomUUID() });
    const passes = new TokenVerifier({ scan: new KeyStore(() => Promise.resolve(published)) }, ISSUER);
    await expect(passes.verify(token, 'scan')).resolves.toMatchObject({ aud: 'card-profile' });
  });
});

function fail(): never {
  throw new Error('the configuration has no secret');
}
