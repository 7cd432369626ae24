import { randomUUID } from 'node:crypto';
import type { Actor, Card } from '@puerta/contracts';
import { codeOf, delivery, joined, scanCode, TestCardIssuer, user } from '../../test/card-issuer';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const COMMANDS = ['suspend', 'reactivate', 'revoke', 'rotate'] as const;
type Command = (typeof COMMANDS)[number];

const actor = user();
const send = (command: Command, card: Card, who: Actor | undefined = actor, idempotencyKey?: string): Promise<Card> =>
  service.ask(
    `cards.${command}`,
    { card_id: card.card_id, reason: 'because' },
    { actor: who, ...(idempotencyKey ? { idempotencyKey } : {}) },
  );
const opens = async (card: Card): Promise<boolean> =>
  typeof (await codeOf(service.ask('scans.open', { code: scanCode(card) }))) === 'object';
const now = (card: Card): Promise<Card> => service.ask('cards.get', { card_id: card.card_id }, { actor });

/** A card that was told this much. */
async function cardAfter(...commands: Command[]): Promise<Card> {
  let card = await service.issue(actor);
  for (const command of commands) card = await send(command, card);
  return card;
}

describe('what may become of a card', () => {
  it.each([
    ['active', [], 'suspend', 'suspended'],
    ['active', [], 'reactivate', 'card_state_conflict'],
    ['active', [], 'revoke', 'revoked'],
    ['active', [], 'rotate', 'active'],
    ['suspended', ['suspend'], 'suspend', 'card_state_conflict'],
    ['suspended', ['suspend'], 'reactivate', 'active'],
    ['suspended', ['suspend'], 'revoke', 'revoked'],
    ['suspended', ['suspend'], 'rotate', 'suspended'],
    ['revoked', ['revoke'], 'suspend', 'card_state_conflict'],
    ['revoked', ['revoke'], 'reactivate', 'card_state_conflict'],
    ['revoked', ['revoke'], 'revoke', 'card_state_conflict'],
    ['revoked', ['revoke'], 'rotate', 'card_state_conflict'],
  ] as const)('%s (after %j), told to %s: %s', async (_state, before, command, expected) => {
    const card = await cardAfter(...before);
    const history = await service.history(card);
    const outcome = await codeOf(send(command, card));
    if (expected === 'card_state_conflict') {
      expect(outcome).toBe(expected);
      expect(await now(card)).toEqual(card);
      expect(await service.history(card)).toEqual(history);
    } else {
      expect(outcome).toMatchObject({ card_id: card.card_id, number: card.number, status: expected });
      expect(await now(card)).toEqual(outcome);
      const kinds = { suspend: 'suspended', reactivate: 'reactivated', revoke: 'revoked', rotate: 'rotated' };
      expect(await service.history(card)).toEqual([...history, kinds[command]]);
    }
  });

  it('is kept with who did it and why', async () => {
    const card = await cardAfter('suspend', 'rotate');
    const events = await service.database.query<object[]>(
      'SELECT kind, revision, actor_user_id, reason FROM card_events WHERE card_id = $1 ORDER BY id',
      [card.card_id],
    );
    const by = { actor_user_id: actor.user_id };
    expect(events).toEqual([
      { kind: 'issued', revision: 1, reason: null, ...by },
      { kind: 'suspended', revision: 1, reason: 'because', ...by },
      { kind: 'rotated', revision: 2, reason: 'because', ...by },
    ]);
  });
});

describe('who may', () => {
  it.each(COMMANDS)('%s: who issues for the company; others learn nothing of the card', async (command) => {
    const card = await cardAfter(...(command === 'reactivate' ? (['suspend'] as const) : []));
    const tried = (who: Actor | undefined) =>
      codeOf(service.ask(`cards.${command}`, { card_id: card.card_id }, { actor: who }));
    expect(await tried(undefined)).toBe('unauthenticated');
    expect(await tried(user('owner'))).toBe('card_not_found');
    expect(await tried(user('door', actor.company_id))).toBe(
      command === 'suspend' ? 'card_not_found' : 'role_required',
    );
    expect(await tried(user(null, null))).toBe(command === 'suspend' ? 'card_not_found' : 'company_required');
    expect(await codeOf(send(command, { ...card, card_id: randomUUID() }))).toBe('card_not_found');
    expect(await now(card)).toEqual(card);
    expect(await tried(user('issuer', actor.company_id))).toMatchObject({ card_id: card.card_id });
  });

  it('suspend: also the holder, who then cannot take it back', async () => {
    const holder = joined(user(null, null), actor);
    const card = await service.issue(actor, { holder: { name: 'Ana', user_id: holder.user_id } });
    expect(await send('suspend', card, holder)).toMatchObject({ status: 'suspended' });
    expect(await codeOf(send('suspend', card, holder))).toBe('card_state_conflict');
    expect(await codeOf(send('reactivate', card, holder))).toBe('company_required');
    const asMember = { ...user('member', actor.company_id), user_id: holder.user_id };
    for (const command of ['reactivate', 'revoke', 'rotate'] as const)
      expect(await codeOf(send(command, card, asMember))).toBe('role_required');
    const elsewhere = { ...user('owner'), user_id: holder.user_id };
    for (const command of ['reactivate', 'revoke', 'rotate'] as const)
      expect(await codeOf(send(command, card, elsewhere))).toBe('card_not_found');
  });
});

describe('rotating', () => {
  it('kills the old code and makes one that works', async () => {
    const old = await service.issue(actor);
    const rotated = await send('rotate', old);
    expect(rotated).toEqual({ ...old, scan_url: expect.any(String) });
    expect(rotated.scan_url).not.toBe(old.scan_url);
    expect([await opens(old), await opens(rotated)]).toEqual([false, true]);
  });

  it('leaves a suspended card suspended, its new code waiting', async () => {
    const rotated = await cardAfter('suspend', 'rotate');
    expect(await opens(rotated)).toBe(false);
    expect((await send('reactivate', rotated)).scan_url).toBe(rotated.scan_url);
    expect(await opens(rotated)).toBe(true);
  });

  it('20 times at once over two replicas makes 20 codes, of which one lives', async () => {
    const card = await service.issue(actor);
    const rotated = await Promise.all(Array.from({ length: 20 }, () => send('rotate', card)));
    expect(new Set(rotated.map(scanCode)).size).toBe(20);
    expect((await Promise.all(rotated.map(opens))).filter(Boolean)).toHaveLength(1);
    expect(await opens(await now(card))).toBe(true);
    const [row] = await service.database.query<{ revision: number }[]>('SELECT revision FROM cards WHERE id = $1', [
      card.card_id,
    ]);
    expect(row?.revision).toBe(21);
    const events = await service.database.query<{ revision: number }[]>(
      'SELECT revision FROM card_events WHERE card_id = $1',
      [card.card_id],
    );
    expect(events.map((event) => event.revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
  });

  it('twice by one message or one key changes the code once', async () => {
    const card = await service.issue(actor);
    const call = delivery(actor, 'cards.rotate');
    const { states } = service.direct();
    const twice = await Promise.all([
      states.rotate({ card_id: card.card_id }, call),
      states.rotate({ card_id: card.card_id }, call),
    ]);
    expect(twice[0]).toEqual(twice[1]);
    const keyed = await Promise.all(
      Array.from({ length: 5 }, () => send('rotate', card, actor, `key-${card.card_id}`)),
    );
    expect(new Set(keyed.map((one) => one.scan_url)).size).toBe(1);
    expect(await service.history(card)).toEqual(['issued', 'rotated', 'rotated']);
  });

  it('is answered again as the first time, though another rotation has come between: reading shows what is now', async () => {
    const card = await service.issue(actor);
    const first = await send('rotate', card, actor, `first-${card.card_id}`);
    const second = await send('rotate', card);
    expect(second.scan_url).not.toBe(first.scan_url);
    expect(await send('rotate', card, actor, `first-${card.card_id}`)).toEqual(first);
    expect(await now(card)).toEqual(second);
  });

  it('by a message that is delivered again without a key is answered with the code that works now', async () => {
    const card = await service.issue(actor);
    const call = delivery(actor, 'cards.rotate');
    const { states } = service.direct();
    await states.rotate({ card_id: card.card_id }, call);
    const second = await send('rotate', card);
    expect(await states.rotate({ card_id: card.card_id }, call)).toEqual(second);
  });
});

describe('at once', () => {
  it.each(['suspend', 'revoke'] as const)('20 times %s happens once; the others get the conflict', async (command) => {
    const card = await service.issue(actor);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => codeOf(send(command, card))));
    expect(outcomes.filter((outcome) => outcome === 'card_state_conflict')).toHaveLength(19);
    expect(await service.history(card)).toHaveLength(2);
  });

  it('suspend, reactivate, revoke and rotate leave a history that could have happened', async () => {
    const card = await service.issue(actor);
    const commands = Array.from({ length: 32 }, (_, i) => COMMANDS[i % 4] as Command);
    const outcomes = await Promise.all(commands.map((command) => codeOf(send(command, card))));
    const done = outcomes.filter((outcome) => typeof outcome === 'object').length;
    const rows = await service.database.query<{ kind: string; n: number }[]>(
      'SELECT kind, count(*)::int AS n FROM card_events WHERE card_id = $1 GROUP BY kind',
      [card.card_id],
    );
    const count = (kind: string): number => rows.find((row) => row.kind === kind)?.n ?? 0;
    expect(rows.reduce((sum, row) => sum + row.n, 0)).toBe(1 + done);
    expect(count('revoked')).toBe(1);
    expect(count('suspended') - count('reactivated')).toBeGreaterThanOrEqual(0);
    expect(count('suspended') - count('reactivated')).toBeLessThanOrEqual(1);
    const last = await now(card);
    expect(last.status).toBe('revoked');
    expect(await opens(last)).toBe(false);
  });

  it('a key that is used again shows of the card no more than it did the first time', async () => {
    const holder = joined(user(null, null), actor);
    const card = await service.issue(actor, { holder: { name: 'Ana', user_id: holder.user_id } });
    const first = await send('suspend', card, holder, 'mine');
    expect(first).toMatchObject({ status: 'suspended' });
    const other = { card_id: card.card_id, holder: { name: 'Eva', user_id: joined(user(), actor).user_id } };
    await service.ask('cards.update', other, { actor });
    expect(await send('suspend', card, holder, 'mine')).toEqual(first);
    // Where the first answer was lost, it is made of what they may see now.
    await service.database.query('UPDATE inbox SET answer = NULL');
    expect(await codeOf(send('suspend', card, holder, 'mine'))).toBe('card_not_found');
  });

  it('a message that is delivered again after its change gets the same answer', async () => {
    const { states } = service.direct();
    for (const [command, before] of [
      ['suspend', []],
      ['reactivate', ['suspend']],
      ['revoke', []],
    ] as const) {
      const card = await cardAfter(...before);
      const call = delivery(actor, `cards.${command}`);
      const answers = [
        await states[command]({ card_id: card.card_id }, call),
        await states[command]({ card_id: card.card_id }, call),
      ];
      expect(answers[0]).toEqual(answers[1]);
      expect(await service.history(card)).toHaveLength(before.length + 2);
    }
  });
});
