import { ConfigError } from '@puerta/config';
import type { KeyUse } from '@puerta/contracts';
import { stopwatch, waitFor } from '@puerta/testing';
import { randomUUID } from 'node:crypto';
import { newEncryptionKey, TestTokenService } from '../../test/token-service';
import { KeyStates1795392000000 } from '../migrations/1795392000000-key-states';
import { AssertionKeys1796083200000 } from '../migrations/1796083200000-assertion-keys';

interface Row {
  readonly kid: string;
  readonly use: KeyUse;
  readonly state: string;
  readonly public_jwk: Record<string, string>;
  readonly private_key: string;
}

describe('the signing keys', () => {
  let service: TestTokenService;

  beforeEach(async () => {
    service = await TestTokenService.create();
  });

  afterEach(() => service.close());

  const rows = (): Promise<Row[]> => service.database.query('SELECT * FROM keys ORDER BY use, state');
  const published = async (use?: KeyUse) => (await service.as('gateway')).request('keys.public', { use });

  it('are made once, however many replicas start at the same time: one that signs and the next one, of each use', async () => {
    await Promise.all(Array.from({ length: 4 }, () => service.start()));
    const made = await rows();
    expect(made.map(({ use, state }) => `${use} ${state}`)).toEqual([
      'access active',
      'access next',
      'assertion active',
      'assertion next',
      'ticket active',
      'ticket next',
    ]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => published()));
    for (const { keys } of answers)
      expect(keys).toEqual(made.filter(({ use }) => use === 'access').map(({ public_jwk }) => public_jwk));
  });

  it('are of three sets, which have nothing in common, are published without their private half, and stay over a restart', async () => {
    await service.start();
    const all = () => Promise.all([published('access'), published('assertion'), published('ticket')]);
    const before = await all();
    const [access, assertions, tickets] = before;
    const key = { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), use: 'sig', alg: 'ES256' };
    // The thumbprint of RFC 7638, or half of it; and four characters, which a printed QR symbol has room for.
    const [long, middle, short] = [
      expect.stringMatching(/^\w[\w-]{42}$/) as string,
      expect.stringMatching(/^\w[\w-]{21}$/) as string,
      expect.stringMatching(/^\w[\w-]{3}$/) as string,
    ];
    expect(access.keys).toEqual([
      { ...key, kid: long },
      { ...key, kid: long },
    ]);
    expect(assertions.keys).toEqual([
      { ...key, kid: middle },
      { ...key, kid: middle },
    ]);
    expect(tickets.keys).toEqual([
      { ...key, kid: short },
      { ...key, kid: short },
    ]);
    expect(new Set(before.flatMap(({ keys }) => keys).map(({ x }) => x)).size).toBe(6);
    await service.stop();
    await service.start();
    expect(await all()).toEqual(before);
  });

  it('invalidate when they change: every replica signs with the next one at once, and publishes no more what was killed', async () => {
    await Promise.all([service.start(), service.start(), service.start()]);
    const [before, identity] = [await published(), await service.as('identity')];
    const { subscriber, events } = await service.subscribe();
    await waitFor(() => subscriber.fresh);
    const kidOfToken = async () => {
      const asked = { user_id: randomUUID(), email: 'ana@example.com', roles: [], session_id: randomUUID() };
      const { token } = await identity.request('access-tokens.issue', asked);
      return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
    };
    const kids = async () => new Set(await Promise.all(Array.from({ length: 30 }, kidOfToken)));
    const [active = '', next = ''] = before.keys.map(({ kid }) => kid);
    expect(await kids()).toEqual(new Set([active]));
    const { rotation } = await service.tools();
    const elapsed = stopwatch();
    await rotation.kill(active);
    await waitFor(async () => !(await kids()).has(active));
    // Not by looking, which every replica does each two seconds.
    expect(elapsed()).toBeLessThan(1_000);
    expect(events).toContain('keys.rotated');
    expect(await kids()).toEqual(new Set([next]));
    const answers = await Promise.all(Array.from({ length: 20 }, () => published()));
    for (const { keys } of answers) expect(keys.map(({ kid }) => kid)).toEqual([next, expect.any(String)]);
  });

  it.each([
    ['another key under the same id', () => `k1:${newEncryptionKey()}`, /has another key "k1" than the one/],
    ['a list without the key', () => `k2:${newEncryptionKey()}`, /has no key "k1"/],
  ])('keep the service from starting with %s, and are not replaced', async (_, keys, message) => {
    await service.start();
    const before = await rows();
    await service.stop();
    const start = service.start({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keys() });
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(/TOKEN_SERVICE_KEY_ENCRYPTION_KEYS/);
    await expect(start).rejects.toThrow(message);
    expect(await rows()).toEqual(before);
  });

  it('have migrations that keep the active key, undone and done again', async () => {
    await service.start();
    await service.stop();
    const [before] = await rows();
    const runner = service.database.createQueryRunner();
    const [states, assertions] = [new KeyStates1795392000000(), new AssertionKeys1796083200000()];
    await assertions.down(runner);
    expect((await rows()).map(({ use }) => use)).toEqual(['access', 'access', 'ticket', 'ticket']);
    await expect(runner.query(`UPDATE keys SET use = 'assertion' WHERE use = 'access'`)).rejects.toThrow(
      'keys_use_check',
    );
    await states.down(runner);
    await expect(rows()).rejects.toThrow(/does not exist/);
    const [old, ...more] = (await runner.query('SELECT * FROM signing_keys')) as Row[];
    expect(more).toEqual([]);
    expect(old).toMatchObject({ kid: before?.kid, private_key: before?.private_key });
    await states.up(runner);
    await assertions.up(runner);
    await runner.release();
    await service.start();
    expect((await published()).keys.map(({ kid }) => kid)).toEqual([before?.kid, expect.any(String)]);
    expect((await rows())[0]).toMatchObject({ ...before, signed_until: expect.any(Date) as Date });
  });

  it('are one to a replica of the version before, which finds it under its old name', async () => {
    await service.start();
    const [active] = await rows();
    expect(await service.database.query('SELECT * FROM signing_keys')).toEqual([
      {
        ...{ kid: active?.kid, use: 'access', state: 'active', public_jwk: active?.public_jwk },
        ...{ private_key: active?.private_key, created_at: expect.any(Date) as Date },
      },
    ]);
  });
});
