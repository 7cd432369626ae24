import { SharedSecret } from '@puerta/auth';
import { createSecretKey, randomBytes } from 'node:crypto';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';

const secret = randomBytes(32).toString('hex');
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({ GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: secret });
});

afterAll(() => gateway.stop());

const ask = async (path: string, token: string): Promise<[status: number, code: unknown]> => {
  const answer = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return [answer.status, ((await answer.json()) as { code?: string }).code];
};

describe('a gateway with a shared secret', () => {
  beforeEach(() => {
    gateway.fakes.set('users.me', () => ({ user_id: ACTOR.user_id }));
    gateway.fakes.set('scans.profile', () => ({ name: 'Ana' }));
  });

  const { kid } = new SharedSecret(createSecretKey(Buffer.from(secret))).key;
  const signed = (): string => gateway.sharedToken(secret, kid);

  it('lets in by HS256 and by nothing else', async () => {
    expect(await ask('/api/v1/users/me', signed())).toEqual([200, undefined]);
    expect(await ask('/api/v1/users/me', gateway.accessToken())).toEqual([401, 'access_token_invalid']);
  });

  it('shows a scan by a pass of ES256, and by no access token', async () => {
    expect(await ask('/api/v1/scan/profile', gateway.scanPass())).toEqual([200, undefined]);
    expect(await ask('/api/v1/scan/profile', signed())).toEqual([401, 'access_token_invalid']);
  });

  it('publishes no secret, and logs none', async () => {
    const published = await (await fetch(`${gateway.url}/.well-known/jwks.json`)).text();
    for (const text of [published, gateway.lines.join('\n')]) {
      for (const canary of [secret, kid, '"oct"', Buffer.from(secret).toString('base64url')])
        expect(text).not.toContain(canary);
    }
  });
});
