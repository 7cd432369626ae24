import { randomBytes } from 'node:crypto';
import { scanCode, testConfig, TestCardIssuer, user } from '../../test/card-issuer';

const text = () => randomBytes(32).toString('base64');
const [first, second, third] = [text(), text(), text()];

let service: TestCardIssuer;
const actor = user();
const configured = (secrets: string) => testConfig(service.config.CARD_ISSUER_DATABASE_URL, secrets);
const start = (secrets: string): Promise<void> => {
  const { BUS_PREFIX, BUS_SECRET, STORAGE_URL } = service.config;
  return service.addReplica({ ...configured(secrets), BUS_PREFIX, BUS_SECRET, STORAGE_URL });
};
const secretOf = async (cardId: string): Promise<string | undefined> => {
  const rows = await service.database.query<{ id: string }[]>('SELECT code_secret_id AS id FROM cards WHERE id = $1', [
    cardId,
  ]);
  return rows[0]?.id;
};

beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 0 });
});
afterAll(() => service?.stop());

describe('the secrets of codes', () => {
  it('are any while there is no card', async () => {
    await start(`k1:${first}`);
  });

  it('may be followed by newer ones: old codes work, new ones are made with the newest', async () => {
    const old = await service.issue(actor);
    await service.stopReplicas();
    await start(`k2:${second},k1:${first}`);
    expect((await service.ask('cards.get', { card_id: old.card_id }, { actor })).scan_url).toBe(old.scan_url);
    expect(await service.ask('scans.open', { code: scanCode(old) })).toMatchObject({ expires_in: 120 });
    const fresh = await service.issue(actor);
    const rotated = await service.issue(actor);
    await service.ask('cards.rotate', { card_id: rotated.card_id }, { actor });
    expect([await secretOf(old.card_id), await secretOf(fresh.card_id), await secretOf(rotated.card_id)]).toEqual([
      'k1',
      'k2',
      'k2',
    ]);
    await service.stopReplicas();
  });

  it.each([
    ['is missing', `k2:${second}`, ['CARD_ISSUER_CODE_SECRETS has no secret with the id "k1"']],
    ['has another value', `k2:${second},k1:${third}`, ['has another secret under the id "k1"']],
    ['are both wrong', `k2:${first}`, ['no secret with the id "k1"', 'another secret under the id "k2"']],
  ])('refuse to start when one in use %s, and say which without showing it', async (_what, secrets, said) => {
    const error: unknown = await start(secrets).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'ConfigError' });
    for (const part of said) expect((error as Error).message).toContain(part);
    for (const one of [first, second, third]) expect((error as Error).message).not.toContain(one.slice(0, 8));
  });

  it('may be taken away when no card was made with them', async () => {
    await service.database.query(`DELETE FROM cards WHERE code_secret_id = 'k1'`);
    await start(`k2:${second}`);
  });
});
