import { KeyStore, TokenVerifier } from '@puerta/auth';
import { type KeyUse, type tokenServiceContract } from '@puerta/contracts';
import type { ServiceClient } from '@puerta/messaging';
import { waitFor } from '@puerta/testing';
import { randomUUID } from 'node:crypto';
import { ISSUER, TestTokenService } from '../../test/token-service';

interface Row {
  readonly kid: string;
  readonly state: string;
  readonly signed_until: Date | null;
}

describe('keys rotate', () => {
  let service: TestTokenService;
  let gateway: ServiceClient<typeof tokenServiceContract>;
  let identity: ServiceClient<typeof tokenServiceContract>;

  beforeEach(async () => {
    service = await TestTokenService.create();
    await Promise.all([service.start(), service.start(), service.start()]);
    [gateway, identity] = await Promise.all([service.as('gateway'), service.as('identity')]);
  });

  afterEach(() => service.close());

  const rows = (use: KeyUse): Promise<Row[]> =>
    service.database.query('SELECT kid, state, signed_until FROM keys WHERE use = $1 ORDER BY created_at', [use]);
  const states = async (use: KeyUse) => (await rows(use)).map(({ state }) => state);
  const older = (days: number) => service.database.query(`UPDATE keys SET state_since = state_since - $1 * interval '1 day'`, [days]);
  const token = async () => {
    const asked = { user_id: randomUUID(), email: 'ana@example.com', roles: [], session_id: randomUUID() };
    return (await identity.request('access-tokens.issue', asked)).token;
  };
  const verifies = async (text: string) => {
    const verifier = new TokenVerifier({ access: new KeyStore(() => gateway.request('keys.public', {})) }, ISSUER);
    await expect(verifier.verify(text, 'access')).resolves.toBeDefined();
  };

  it('once when they are old, however many replicas see it, and what was signed stays good for as long as it may live', async () => {
    const before = await token();
    await older(29.99);
    const old = await rows('access');
    await older(0.01);
    await waitFor(async () => (await states('ticket')).includes('retired'), 5_000);
    expect(await states('access')).toEqual(['retiring', 'active', 'next']);
    // It has signed nothing.
    expect(await states('ticket')).toEqual(['retired', 'active', 'next']);
    expect((await rows('access')).map(({ kid }) => kid).slice(0, 2)).toEqual(old.map(({ kid }) => kid));
    expect((await gateway.request('keys.public', {})).keys).toHaveLength(3);
    await verifies(before);
    await verifies(await token());
  });
});
