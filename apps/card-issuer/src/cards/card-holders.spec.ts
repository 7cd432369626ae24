import { randomUUID } from 'node:crypto';
import type { Actor, Card } from '@puerta/contracts';
import { codeOf, joined, removed, TestCardIssuer, user } from '../../test/card-issuer';
import { afterCheck } from '../../test/neighbours';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start();
});
afterAll(() => service?.stop());
afterEach(() => {
  afterCheck.call = () => undefined;
});

const issuer = user();
const nobody = { code: 'validation_failed', extra: { errors: [{ field: 'holder.user_id', code: 'no_such_member' }] } };
const issueTo = (holder: Pick<Actor, 'user_id'>, idempotencyKey: string = randomUUID()): Promise<Card> =>
  service.ask('cards.issue', { holder: { name: 'Ana', user_id: holder.user_id } }, { actor: issuer, idempotencyKey });
const give = (card: Card, user_id: string | null, more: object = {}): Promise<Card> =>
  service.ask('cards.update', { card_id: card.card_id, holder: { ...more, user_id } }, { actor: issuer });

/** What a holder may do to a card, and what comes of it for this one. */
const tries = (card: Card, actor: Actor): Promise<unknown[]> =>
  Promise.all([
    codeOf(service.ask('cards.get', { card_id: card.card_id }, { actor })),
    codeOf(service.ask('cards.qr', { card_id: card.card_id, format: 'svg' }, { actor })),
    codeOf(service.ask('cards.suspend', { card_id: card.card_id }, { actor })),
  ]);
const NOTHING = ['card_not_found', 'card_not_found', 'card_not_found'];

const stranger = (): Actor => joined(user('owner'), user());
const elsewhere = (): Actor => {
  const owner = user('owner');
  return joined(owner, owner);
};
const former = (): Actor => {
  const holder = joined(user('member', issuer.company_id), issuer);
  removed(holder, issuer);
  return holder;
};

describe('a holder', () => {
  it.each([
    ['an id that nobody has', () => user(null, null)],
    ['a member of another company', stranger],
    ['the owner of another company', elsewhere],
    ['a member who was removed', former],
  ])('cannot be %s: the answer is the same, and nothing is written', async (_who, make) => {
    const holder = make();
    await expect(issueTo(holder)).rejects.toMatchObject(nobody);
    const card = await service.issue(issuer);
    await expect(give(card, holder.user_id)).rejects.toMatchObject(nobody);
    expect(await service.ask('cards.get', { card_id: card.card_id }, { actor: issuer })).toEqual(card);
    expect(await service.history(card)).toEqual(['issued']);
    expect(await service.count('cards', 'holder_user_id = $1', [holder.user_id])).toBe(0);
  });

  it('takes no number when refused', async () => {
    const own = user();
    const refused = service.issue(own, { holder: { name: 'Ana', user_id: randomUUID() } });
    expect(await codeOf(refused)).toBe('validation_failed');
    expect((await service.issue(own)).number).toMatch(/-10001$/);
  });

  it('may use the card while they are an active member, wherever they act, and not a moment longer', async () => {
    const holder = joined(user(null, null), issuer);
    const card = await issueTo(holder);
    const other = { ...user('owner'), user_id: holder.user_id };
    for (const actor of [holder, other]) {
      expect(await codeOf(service.ask('cards.get', { card_id: card.card_id }, { actor }))).toEqual(card);
    }
    removed(holder, issuer);
    for (const actor of [holder, other, { ...holder, company_id: issuer.company_id }]) {
      expect(await tries(card, actor)).toEqual(NOTHING);
    }
    expect(await service.history(card)).toEqual(['issued']);
    joined(holder, issuer);
    expect(await service.ask('cards.suspend', { card_id: card.card_id }, { actor: other })).toMatchObject({
      status: 'suspended',
    });
  });

  it('who is removed while the card is issued to them holds nothing', async () => {
    const holder = joined(user(null, null), issuer);
    afterCheck.call = () => removed(holder, issuer);
    const card = await issueTo(holder);
    expect(await tries(card, holder)).toEqual(NOTHING);
  });

  it('who ceases to be it between the question and the change changes nothing', async () => {
    const holder = joined(user(null, null), issuer);
    const card = await issueTo(holder);
    // Somebody else becomes the holder between the question and the statement.
    const heir = joined(user(), issuer).user_id;
    afterCheck.call = () =>
      service.database.query('UPDATE cards SET holder_user_id = $2 WHERE id = $1', [card.card_id, heir]);
    const tried = service.ask('cards.suspend', { card_id: card.card_id }, { actor: holder });
    expect(await codeOf(tried)).toBe('card_not_found');
    expect(await service.history(card)).toEqual(['issued']);
  });

  it('whose id stands in the table without a right to it, from before this was asked, holds nothing', async () => {
    const card = await service.issue(issuer);
    const intruder = stranger();
    await service.database.query('UPDATE cards SET holder_user_id = $2 WHERE id = $1', [
      card.card_id,
      intruder.user_id,
    ]);
    expect(await tries(card, intruder)).toEqual(NOTHING);
  });

  it('stays when the rest of a former member’s card is corrected, and can be taken off', async () => {
    const holder = joined(user(null, null), issuer);
    const card = await issueTo(holder);
    removed(holder, issuer);
    expect(await give(card, holder.user_id, { name: 'Eva' })).toMatchObject({
      holder: { name: 'Eva', user_id: holder.user_id },
    });
    expect((await give(card, null)).holder.user_id).toBeNull();
    await expect(give(card, holder.user_id)).rejects.toMatchObject(nobody);
  });

  it('is not asked about again when the request is repeated: the first answer is given', async () => {
    const holder = joined(user(null, null), issuer);
    const card = await issueTo(holder, 'once');
    removed(holder, issuer);
    expect(await issueTo(holder, 'once')).toEqual(card);
    // What was refused is not remembered.
    await expect(issueTo(holder, 'again')).rejects.toMatchObject(nobody);
    joined(holder, issuer);
    expect(await issueTo(holder, 'again')).toMatchObject({ holder: { user_id: holder.user_id } });
  });
});
