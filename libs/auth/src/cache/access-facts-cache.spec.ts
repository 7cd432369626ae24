import type { AccessFacts, CheckAccessDto, Role } from '@puerta/contracts';
import fc from 'fast-check';
import { TestInvalidations } from '../../test/invalidations';
import { type FactsSource, AccessFactsCache } from './access-facts-cache';

const subject = (user_id = 'u1', session_id = 's1', company_id: string | null = 'c1'): CheckAccessDto => ({
  user_id,
  session_id,
  company_id,
});
const active = (role: Role | null = 'issuer', ends_in_ms = 3_600_000): AccessFacts => ({
  ...{ user: 'active', session: 'active', email: 'ana@example.com', role, ends_in_ms },
});

/** An identity whose answers wait until a test lets them come. */
class Source {
  readonly asked: { subject: CheckAccessDto; answer: (facts: AccessFacts) => void; fail: () => void }[] = [];
  readonly ask: FactsSource = (about) =>
    new Promise((resolve, reject) => {
      this.asked.push({ subject: about, answer: resolve, fail: () => reject(new Error('the bus is away')) });
    });

  answer(facts: AccessFacts = active(), n = 0): void {
    this.asked[n]?.answer(facts);
  }
}

function setUp() {
  const [source, invalidations] = [new Source(), new TestInvalidations()];
  return { source, invalidations, facts: new AccessFactsCache(source.ask, invalidations) };
}

/** The same, with the facts of the subject known. */
async function known(facts = active()) {
  const all = setUp();
  const asked = all.facts.ask(subject());
  all.source.answer(facts);
  await asked;
  return all;
}

describe('the cache of access facts', () => {
  afterEach(() => jest.useRealTimers());

  it('is what identity has answered, for this session and company alone', async () => {
    const { facts } = await known();
    expect(facts.get(subject())).toEqual(active());
    for (const other of [subject('u2'), subject('u1', 's2'), subject('u1', 's1', 'c2'), subject('u1', 's1', null)]) {
      expect(facts.get(other)).toBeUndefined();
    }
  });

  it.each<[string, AccessFacts]>([
    ['a revoked session', { ...active(), session: 'revoked' }],
    ['an inactive user', { ...active(), user: 'inactive' }],
    ['an unknown user', { user: 'unknown', session: 'revoked', email: null, role: null }],
    ['facts that do not say when the session ends', { user: 'active', session: 'active', email: null, role: 'owner' }],
  ])('does not hold %s', async (_, answer) => {
    const { facts } = await known(answer);
    expect(facts.get(subject())).toBeUndefined();
  });

  it('holds that somebody is no member, until an invalidation comes', async () => {
    const { facts, invalidations } = await known(active(null));
    expect(facts.get(subject())).toMatchObject({ role: null });
    invalidations.publish({ user_id: 'u1', company_id: 'c1' }, 'member.changed');
    expect(facts.get(subject())).toBeUndefined();
  });

  it('is used for half a minute, and never beyond the end of the session', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    for (const [endsIn, lasts] of [
      [3_600_000, 30_000],
      [5_000, 5_000],
    ] as const) {
      const { facts } = await known(active('owner', endsIn));
      jest.advanceTimersByTime(lasts - 1);
      expect(facts.get(subject())).toBeDefined();
      jest.advanceTimersByTime(1);
      expect(facts.get(subject())).toBeUndefined();
    }
  });

  it('ends with the session, counted from before identity was asked', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const { facts, source } = setUp();
    const asked = facts.ask(subject());
    jest.advanceTimersByTime(700);
    source.answer(active('owner', 1_000));
    await asked;
    jest.advanceTimersByTime(299);
    expect(facts.get(subject())).toBeDefined();
    jest.advanceTimersByTime(1);
    expect(facts.get(subject())).toBeUndefined();
  });

  it('is forgotten as a whole by one invalidation of the user, and of nobody else', async () => {
    const { facts, invalidations, source } = await known();
    for (const [n, other] of [subject('u1', 's2'), subject('u1', 's1', null), subject('u2')].entries()) {
      const asked = facts.ask(other);
      source.answer(active(), n + 1);
      await asked;
    }
    invalidations.publish({ user_id: 'u1', session_id: 's9' }, 'session.revoked');
    for (const one of [subject(), subject('u1', 's2'), subject('u1', 's1', null)])
      expect(facts.get(one)).toBeUndefined();
    expect(facts.get(subject('u2'))).toBeDefined();
  });

  it.each<[string, (invalidations: TestInvalidations) => void]>([
    ['when something may have been missed', (invalidations) => invalidations.lose()],
    ['by an invalidation that names nobody', (invalidations) => invalidations.publish()],
  ])('is forgotten of everybody %s', async (_, happen) => {
    const { facts, invalidations } = await known();
    happen(invalidations);
    expect(facts.get(subject())).toBeUndefined();
  });

  it('is not used while the stream is silent: each request asks for itself', async () => {
    const { facts, invalidations, source } = await known();
    invalidations.fresh = false;
    expect(facts.get(subject())).toBeUndefined();
    const asked = [facts.ask(subject()), facts.ask(subject())];
    expect(source.asked).toHaveLength(3);
    for (const n of [1, 2]) source.answer(active('door'), n);
    await Promise.all(asked);
    invalidations.fresh = true;
    expect(facts.get(subject())).toEqual(active());
  });

  it('takes no more room for more users, nor for more sessions of one', async () => {
    const facts = new AccessFactsCache(() => Promise.resolve(active()), new TestInvalidations());
    const ask = (about: CheckAccessDto) => facts.ask(about);
    for (let n = 0; n < 12_000; n += 1) await ask(subject(`u${n}`));
    for (let n = 0; n < 40; n += 1) await ask(subject('many', `s${n}`));
    const count = (length: number, make: (n: number) => CheckAccessDto) =>
      Array.from({ length }, (_none, n) => facts.get(make(n))).filter((one) => one !== undefined).length;
    expect(count(12_000, (n) => subject(`u${n}`))).toBe(9_999);
    expect(count(40, (n) => subject('many', `s${n}`))).toBe(16);
  });
});

describe('a question', () => {
  it('is asked once for all who ask the same at once', async () => {
    const { facts, source } = setUp();
    const asked = Array.from({ length: 50 }, () => facts.ask(subject()));
    expect(source.asked).toHaveLength(1);
    source.answer();
    expect(await Promise.all(asked)).toEqual(Array(50).fill(active()));
  });

  it('does not answer who comes after an invalidation, nor is its answer kept', async () => {
    const { facts, invalidations, source } = setUp();
    const before = facts.ask(subject());
    invalidations.publish({ user_id: 'u1' });
    const after = facts.ask(subject());
    expect(source.asked).toHaveLength(2);
    source.answer(active('owner'), 0);
    expect(await before).toMatchObject({ role: 'owner' });
    expect(facts.get(subject())).toBeUndefined();
    source.answer(active('door'), 1);
    expect(await after).toMatchObject({ role: 'door' });
    expect(facts.get(subject())).toMatchObject({ role: 'door' });
  });

  it('that comes late does not replace the answer to a later one', async () => {
    const { facts, invalidations, source } = setUp();
    const before = facts.ask(subject());
    invalidations.lose();
    const after = facts.ask(subject());
    source.answer(active('door'), 1);
    await after;
    source.answer(active('owner'), 0);
    await before;
    expect(facts.get(subject())).toMatchObject({ role: 'door' });
  });

  it('that fails fails for all who share it, and is asked again by the next', async () => {
    const { facts, source } = setUp();
    const asked = [facts.ask(subject()), facts.ask(subject())];
    source.asked[0]?.fail();
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    void facts.ask(subject());
    expect(source.asked).toHaveLength(2);
  });
});

/**
 * The model: identity's truth has a version for each user; the stream brings an invalidation some time after it was made,
 * in order. Nothing that is read from the cache may be older than the last change of which word has come, and an answer may not be
 * older than the last word that had come when it was asked for.
 */
describe('whatever is asked, told, answered, lost and let pass, in whatever order', () => {
  const users = ['u1', 'u2'] as const;
  const user = fc.constantFrom(...users);
  const session = fc.constantFrom('s1', 's2');
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), user, session }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('recall' as const), user, session }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('change' as const), user }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('hear' as const) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), n: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 1_000, 15_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('silence' as const), fresh: fc.constantFrom(true, true, false) }),
    },
  );

  afterEach(() => jest.useRealTimers());

  it('gives no answer that was known to be old when it was asked for', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 80 }), async (steps) => {
        let failure: unknown;
        const invalidations = new TestInvalidations();
        const version = { u1: 0, u2: 0 };
        const heard = { u1: 0, u2: 0 };
        const words: { user: 'u1' | 'u2'; version: number }[] = [];
        const questions: { settle: () => void }[] = [];
        const readAt = new WeakMap<AccessFacts, { version: number; at: number }>();
        const facts = new AccessFactsCache((about) => {
          const id = about.user_id as 'u1' | 'u2';
          // Identity reads at some time between question and answer; the earliest is the worst.
          const read = { version: version[id], at: performance.now() };
          return new Promise((resolve) => {
            const answer = { ...active('issuer', 20_000), email: `${id}@${read.version}` };
            readAt.set(answer, read);
            questions.push({ settle: () => resolve(answer) });
          });
        }, invalidations);
        for (const one of steps) {
          if (one.do === 'ask') {
            const known = heard[one.user];
            const answered = facts.ask(subject(one.user, one.session)).then((answer) => {
              if ((readAt.get(answer)?.version ?? -1) < known)
                throw new Error(`asked after the invalidation of ${known}`);
            });
            answered.catch((error: unknown) => (failure ??= error));
          } else if (one.do === 'recall') {
            const answer = facts.get(subject(one.user, one.session));
            if (answer) {
              expect(invalidations.fresh).toBe(true);
              expect(answer.email).toMatch(new RegExp(`^${one.user}@`));
              expect(readAt.get(answer)?.version).toBeGreaterThanOrEqual(heard[one.user]);
              expect(performance.now() - (readAt.get(answer)?.at ?? -Infinity)).toBeLessThan(20_000);
            }
          } else if (one.do === 'change') {
            words.push({ user: one.user, version: (version[one.user] += 1) });
          } else if (one.do === 'hear') {
            const word = words.shift();
            if (word) heard[word.user] = word.version;
            if (word) invalidations.publish({ user_id: word.user });
          } else if (one.do === 'answer') {
            questions.splice(one.n % Math.max(1, questions.length), 1)[0]?.settle();
          } else if (one.do === 'lose') {
            // What was lost is never heard; that something was, is.
            words.length = 0;
            Object.assign(heard, version);
            invalidations.lose();
          } else if (one.do === 'pass') {
            jest.advanceTimersByTime(one.ms);
          } else {
            invalidations.fresh = one.fresh;
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        for (const question of questions) question.settle();
        await new Promise((resolve) => setImmediate(resolve));
        if (failure) throw failure;
      }),
      { numRuns: 300 },
    );
  });
});
