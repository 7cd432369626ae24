import { randomBytes, randomUUID } from 'node:crypto';
import { type Card, DomainError, type OpenedScan, type ScanProfile } from '@puerta/contracts';
import { v7 as uuidv7 } from 'uuid';
import { codeOf, joined, scanCode, TestCardIssuer, user } from '../../test/card-issuer';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const actor = user();
const open = (card: Card): Promise<OpenedScan> => service.ask('scans.open', { code: scanCode(card) });
/** @param left seconds that the pass lives */
const profile = (scanId: string, left = 120): Promise<ScanProfile> =>
  service.ask('scans.profile', { scan_id: scanId, pass_expires_at: Math.floor(Date.now() / 1_000) + left });
const send = (command: 'suspend' | 'reactivate' | 'revoke' | 'rotate', card: Card): Promise<Card> =>
  service.ask(`cards.${command}`, { card_id: card.card_id }, { actor });
const expire = (card: Card): Promise<Card> => service.expire(card);
const scansOf = (card: Card): Promise<number> => service.count('scans', 'card_id = $1', [card.card_id]);

/** Opens a scan and reads its id from the pass that the token-service of the tests makes. */
async function scanned(card: Card): Promise<string> {
  return (await open(card)).scan_pass.slice('pass for '.length);
}

describe('opening a scan', () => {
  it('records it and answers a pass for it alone', async () => {
    const card = await service.issue(actor);
    const [first, second] = [await open(card), await open(card)];
    expect(first).toEqual({
      scan_pass: expect.stringMatching(/^pass for [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/),
      expires_in: 120,
    });
    expect(second.scan_pass).not.toBe(first.scan_pass);
    const rows = await service.database.query('SELECT id, revision, at FROM scans WHERE card_id = $1 ORDER BY id', [
      card.card_id,
    ]);
    expect(rows).toEqual(
      [first, second].map(({ scan_pass }) => ({ id: scan_pass.slice(9), revision: 1, at: expect.any(Date) })),
    );
  });

  it('answers every code that opens nothing in the same way, and records nothing', async () => {
    const cards = await Promise.all(Array.from({ length: 4 }, () => service.issue(actor)));
    const [rotated, suspended, revoked, expired] = cards as [Card, Card, Card, Card];
    await Promise.all([send('rotate', rotated), send('suspend', suspended), send('revoke', revoked), expire(expired)]);
    const live = scanCode(await service.issue(actor));
    const before = await service.count('scans');
    const dead = [
      ...cards.map(scanCode),
      randomBytes(16).toString('base64url'),
      // What cannot be a code, and what a lenient decoder would take for a live one.
      'x',
      '../../etc/passwd',
      "' OR TRUE --",
      '%',
      '🂡',
      'A'.repeat(128),
      `${live}=`,
      `${live}.`,
      live.toLowerCase(),
      live.slice(0, 21),
      `${live.slice(0, 21)}${String.fromCharCode(live.charCodeAt(21) + 1)}`,
    ];
    const answers = await Promise.all(
      dead.map((code) => service.ask('scans.open', { code }).catch((error: unknown) => error)),
    );
    for (const answer of answers) {
      expect(answer).toBeInstanceOf(DomainError);
      expect({ ...(answer as DomainError) }).toEqual({ ...new DomainError('card_not_found') });
    }
    expect(await service.count('scans')).toBe(before);
    expect(await codeOf(service.ask('scans.open', { code: live }))).toMatchObject({ expires_in: 120 });
  });

  it('delivered again records it once', async () => {
    const [card, other] = [await service.issue(actor), await service.issue(actor)];
    const { scans } = service.direct();
    const messageId = uuidv7();
    const answers = await Promise.all(Array.from({ length: 5 }, () => scans.open(scanCode(card), messageId)));
    expect(new Set(answers.map((answer) => answer.scan_pass))).toEqual(new Set([`pass for ${messageId}`]));
    expect(await scansOf(card)).toBe(1);
    expect(await codeOf(scans.open(scanCode(other), messageId))).toBe('card_not_found');
    expect(await scansOf(other)).toBe(0);
  });

  it('200 times at once, while the code is changed, records as many as it answers', async () => {
    const card = await service.issue(actor);
    const opened = Array.from({ length: 200 }, () => codeOf(open(card)));
    const rotated = await send('rotate', card);
    const answers = await Promise.all(opened);
    expect(await scansOf(card)).toBe(answers.filter((answer) => typeof answer === 'object').length);
    expect(answers.every((answer) => typeof answer === 'object' || answer === 'card_not_found')).toBe(true);
    expect(await codeOf(open(card))).toBe('card_not_found');
    expect(await codeOf(open(rotated))).toMatchObject({ expires_in: 120 });
  });
});

describe('what a scan shows', () => {
  it('is the card to a stranger: no e-mail, document, id or code', async () => {
    const holder = {
      name: 'Ana Pérez',
      email: 'ana@example.com',
      document_id: 'V-1',
      title: 'Docente',
      unit: 'Letras',
      user_id: joined(user(), actor).user_id,
    };
    const card = await service.issue(actor, { holder, valid_until: '2060-01-01T00:00:00Z' });
    expect(await profile(await scanned(card))).toEqual({
      name: 'Ana Pérez',
      number: card.number,
      company: `Company ${actor.company_id}`,
      title: 'Docente',
      unit: 'Letras',
      status: 'active',
      photo_url: null,
      valid_until: '2060-01-01T00:00:00.000Z',
    });
  });

  it.each([
    ['suspended', (card: Card) => send('suspend', card)],
    ['revoked', (card: Card) => send('revoke', card)],
    ['rotated', (card: Card) => send('rotate', card)],
    ['expired', expire],
  ])('ends at once when the card is %s', async (_state, end) => {
    const card = await service.issue(actor);
    const scanId = await scanned(card);
    expect(await profile(scanId)).toMatchObject({ number: card.number });
    await end(card);
    expect(await codeOf(profile(scanId))).toBe('scan_expired');
  });

  it('ends after an hour, however long passes live', async () => {
    const scanId = await scanned(await service.issue(actor));
    const age = (minutes: number) =>
      service.database.query(`UPDATE scans SET at = now() - $2 * interval '1 minute' WHERE id = $1`, [scanId, minutes]);
    await age(59);
    expect(await profile(scanId)).toMatchObject({ status: 'active' });
    await age(61);
    expect(await codeOf(profile(scanId))).toBe('scan_expired');
  });

  it('is nothing for a scan that never was, nor for the id of a card', async () => {
    expect(await codeOf(profile(randomUUID()))).toBe('scan_expired');
    expect(await codeOf(profile((await service.issue(actor)).card_id))).toBe('scan_expired');
  });
});
