import { randomUUID } from 'node:crypto';
import { cardIssuerContract } from '@puerta/contracts';
import { readQrCodes } from '@puerta/testing';
import { codeOf, joined, scanCode, TestCardIssuer, user } from '../test/card-issuer';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start();
});
afterAll(() => service?.stop());

/** Everything the database knows, as text. */
async function dump(but = ''): Promise<string> {
  const tables = await service.database.query<{ name: string }[]>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> $1 ORDER BY 1',
    [but],
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      service.database.query<{ row: string }[]>(`SELECT t::text AS row FROM ${name} t ORDER BY 1`),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

describe('junk', () => {
  const junk: unknown[] = [
    null,
    'text',
    7,
    true,
    [],
    [{}],
    { unknown: true },
    JSON.parse('{"__proto__":{"admin":true}}'),
    { constructor: { prototype: {} } },
    { card_id: 7 },
    { card_id: 'not-a-uuid' },
    { card_id: `${randomUUID()}' OR 1=1 --` },
    { card_id: [randomUUID()] },
    { card_id: { $ne: null } },
    { card_id: randomUUID(), holder: 'Ana', reason: 'x'.repeat(201), format: 'gif', size: 1e9 },
    { holder: [] },
    { holder: { name: '' } },
    { holder: { name: '   ' } },
    { holder: { name: 'a\0b' } },
    { holder: { name: 'a\u202eb' } },
    { holder: { name: 'x'.repeat(121) } },
    { holder: { name: 'Ana', role: 'owner' } },
    { holder: { name: 'Ana', email: 'nobody' } },
    { holder: { name: 'Ana' }, number: '26-1' },
    { holder: { name: 'Ana' }, number: '26-010001' },
    { holder: { name: 'Ana' }, number: '2026-10001' },
    { holder: { name: 'Ana' }, number: 26 },
    { holder: { name: 'Ana' }, valid_until: '2026-02-30T00:00:00Z' },
    { holder: { name: 'Ana' }, valid_until: 1 },
    { limit: 0, q: ['a'], status: 'lost', cursor: {} },
    { limit: 101, unit: {}, status: 'all', cursor: '?' },
    { action: 'delete', filter: {}, job_id: 'x' },
    { action: 'suspend', filter: { status: 'lost' } },
    { action: 'suspend', card_ids: [] },
    { action: 'suspend', card_ids: ['x'] },
    { action: 'suspend', filter: {}, dry_run: 'yes' },
    { code: null, scan_id: 'x' },
    { code: 1, scan_id: [] },
    { code: 'x'.repeat(129), scan_id: null },
    JSON.parse(`${'{"holder":'.repeat(200)}1${'}'.repeat(200)}`),
  ];

  it.each(Object.keys(cardIssuerContract.patterns))(
    'sent to %s is validation_failed and changes nothing',
    async (pattern) => {
      await service.issue(user());
      // What is published of the card is recorded meanwhile.
      const before = await dump('outbox');
      for (const data of junk) {
        expect(await codeOf(service.askAnything(pattern, data, { actor: user('owner') }))).toBe('validation_failed');
      }
      expect(await dump('outbox')).toBe(before);
    },
  );
});

describe('text of any kind', () => {
  it.each([
    "Robert'); DROP TABLE cards;--",
    '%_\\',
    '<script>alert(1)</script>',
    '${7*7} {{7*7}}',
    '👩‍👩‍👧 Ünïcödé',
    '"quoted"',
    "o'o'o",
    '{a,b}',
    'NULL',
  ])('comes back as it was and is found: %s', async (name) => {
    const actor = user();
    const card = await service.issue(actor, {
      holder: { name, unit: name, title: name, document_id: name.slice(0, 40) },
    });
    expect(card.holder).toMatchObject({ name, unit: name, title: name });
    const find = { q: name, unit: name, status: 'active' as const, count: true };
    expect(await service.ask('cards.list', find, { actor })).toEqual({ items: [card], next_cursor: null, total: 1 });
    expect(await service.ask('cards.suspend', { card_id: card.card_id, reason: name }, { actor })).toMatchObject({
      status: 'suspended',
    });
  });
});

describe('the picture of a card', () => {
  it('says its address, is the same each time, and another after rotation', async () => {
    const actor = user();
    const card = await service.issue(actor);
    const draw = (size?: number) =>
      service.ask('cards.qr', { card_id: card.card_id, format: 'png', ...(size ? { size } : {}) }, { actor });
    const decode = async (data: string) => (await readQrCodes(Buffer.from(data, 'base64')))[0]?.text;
    const picture = await draw();
    expect(picture.content_type).toBe('image/png');
    expect(await decode(picture.data)).toBe(card.scan_url);
    expect(await draw()).toEqual(picture);
    expect(await decode((await draw(2048)).data)).toBe(card.scan_url);
    const rotated = await service.ask('cards.rotate', { card_id: card.card_id }, { actor });
    expect(await decode((await draw()).data)).toBe(rotated.scan_url);
    const svg = await service.ask('cards.qr', { card_id: card.card_id, format: 'svg' }, { actor });
    expect(svg.content_type).toBe('image/svg+xml');
    expect(Buffer.from(svg.data, 'base64').toString()).toMatch(/^<svg /);
  });

  it('is for whom the card is for', async () => {
    const issuer = user();
    const holder = joined(user(null, null), issuer);
    const card = await service.issue(issuer, { holder: { name: 'Ana', user_id: holder.user_id } });
    const draw = (actor?: ReturnType<typeof user>) =>
      codeOf(service.ask('cards.qr', { card_id: card.card_id, format: 'svg' }, { actor }));
    expect(await draw(holder)).toMatchObject({ content_type: 'image/svg+xml' });
    expect(await draw(user('owner'))).toBe('card_not_found');
    expect(await draw()).toBe('unauthenticated');
  });
});

describe('secrets', () => {
  it('are nowhere in the database, nor in the log at debug level', async () => {
    const actor = user();
    const holder = { name: 'Canary Name', document_id: 'CANARY-DOCUMENT' };
    const ask = () => service.ask('cards.issue', { holder }, { actor, idempotencyKey: 'canary' });
    const [card] = [await ask(), await ask()];
    const { scan_pass } = await service.ask('scans.open', { code: scanCode(card) });
    const rotated = await service.ask('cards.rotate', { card_id: card.card_id, reason: 'CANARY-REASON' }, { actor });
    await codeOf(service.ask('scans.open', { code: scanCode(card) }));
    await service.ask('cards.qr', { card_id: card.card_id, format: 'png' }, { actor });
    await service.database.query('ALTER TABLE scans RENAME TO scans_away');
    expect(await codeOf(service.ask('scans.open', { code: scanCode(rotated) }))).toBe('internal');
    await service.database.query('ALTER TABLE scans_away RENAME TO scans');

    const codes = [card, rotated].map(scanCode);
    const secret = service.config.CARD_ISSUER_CODE_SECRETS.current.key.export();
    const forms = [...codes.map((code) => Buffer.from(code, 'base64url')), secret].flatMap((bytes) =>
      (['hex', 'base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).replace(/=+$/, '')),
    );
    const stored = await dump();
    const said = service.log.join('');
    expect(stored).toContain('Canary Name');
    expect(said).toContain('"code":"42P01"');
    for (const form of forms) {
      expect(stored.includes(form)).toBe(false);
      expect(said.includes(form)).toBe(false);
    }
    for (const word of ['Canary Name', 'CANARY-DOCUMENT', 'CANARY-REASON', scan_pass])
      expect(said.includes(word)).toBe(false);
  });
});
