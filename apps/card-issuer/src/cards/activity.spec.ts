import type { Actor, Card } from '@puerta/contracts';
import { waitFor } from '@puerta/testing';
import { codeOf, TestCardIssuer, user } from '../../test/card-issuer';
import { recorded } from '../../test/neighbours';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const actor = user();

/** Everything the activity trail got of a card, once the outbox is empty. */
async function activityOf(card: Card) {
  await waitFor(async () => (await service.count('outbox')) === 0);
  return recorded.filter(({ subject_id }) => subject_id === card.card_id);
}

const change = (
  pattern: 'cards.suspend' | 'cards.reactivate' | 'cards.rotate' | 'cards.revoke',
  card: Card,
  who: Actor = actor,
) => service.ask(pattern, { card_id: card.card_id }, { actor: who });

describe('the activity trail', () => {
  it('records all that becomes of a card: who did it, to which card of which company', async () => {
    const card = await service.issue(actor);
    await service.ask('cards.update', { card_id: card.card_id, holder: { unit: 'Letras' } }, { actor });
    for (const pattern of ['cards.suspend', 'cards.reactivate', 'cards.rotate', 'cards.revoke'] as const) {
      await change(pattern, card);
    }
    const activity = await activityOf(card);
    expect(activity.map(({ kind }) => kind).sort()).toEqual([
      'card.issued',
      'card.reactivated',
      'card.revoked',
      'card.rotated',
      'card.suspended',
      'card.updated',
    ]);
    for (const one of activity) {
      expect(one).toMatchObject({ actor_user_id: actor.user_id, company_id: actor.company_id });
    }
    const events = await service.database.query<{ id: string }[]>('SELECT id FROM card_events WHERE card_id = $1', [
      card.card_id,
    ]);
    expect(activity.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
  });

  it('records nothing of what was refused, and once of what was asked twice', async () => {
    const card = await service.issue(actor);
    expect(await codeOf(change('cards.reactivate', card))).toBe('card_state_conflict');
    const ask = () =>
      service.ask('cards.suspend', { card_id: card.card_id }, { actor, idempotencyKey: `once-${card.card_id}` });
    await Promise.all([ask(), ask(), ask()]);
    expect((await activityOf(card)).map(({ kind }) => kind).sort()).toEqual(['card.issued', 'card.suspended']);
  });

  it('records nothing personal', async () => {
    const card = await service.issue(actor, { holder: { name: 'Luis Rojas', email: 'luis@example.com' } });
    expect(JSON.stringify(await activityOf(card))).not.toMatch(/Luis|@/);
  });
});
