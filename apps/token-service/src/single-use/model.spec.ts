import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateTokenDto } from '@puerta/contracts';
import fc from 'fast-check';
import { type Claim, TokenModel } from '../../test/token-model';
import { callOf, codeOf, somebody, Tokens, type TokensReplica } from '../../test/tokens';

const SHORT_SECONDS = 3;
/** Redis' time, as a replica reckons it, may be off by so much when a token is made. */
const SKEW_MS = 1_000;

const purpose = fc.constantFrom(null, 'login', 'door');
const subject = fc.constantFrom(null, 'ana', 'luis');
const binding = fc.record({ purpose, subject });
const which = fc.nat({ max: 5 });

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('issue' as const),
      format: fc.constantFrom('opaque' as const, 'code' as const),
      binding,
      short: fc.boolean(),
      key: fc.option(fc.constantFrom('key-1', 'key-2'), { freq: 3, nil: undefined }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constantFrom('redeem' as const, 'peek' as const),
      which,
      claim: fc.option(binding, { freq: 2, nil: undefined }),
      call: fc.nat({ max: 3 }),
      garbled: fc.constantFrom(false, false, false, true),
      stranger: fc.constantFrom(false, false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('revoke' as const), which, stranger: fc.boolean() }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The steps of one owner, on two replicas in turn, each answer compared with the model's. */
class Story {
  readonly #owner = somebody();
  readonly #stranger = somebody();
  readonly model = new TokenModel();
  readonly #calls = [0, 1, 2, 3].map(() => callOf(this.#owner));
  #turn = 0;

  constructor(private readonly replicas: readonly TokensReplica[]) {}

  async tell(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      const replica = this.replicas[(this.#turn += 1) % this.replicas.length] as TokensReplica;
      if (one.what === 'issue') await this.#issue(replica, one);
      else if (one.what === 'revoke') await this.#revoke(replica, one);
      else await this.#present(replica, one);
    }
  }

  async #issue(
    replica: TokensReplica,
    { format, binding: bound, short, key }: Step & { what: 'issue' },
  ): Promise<void> {
    const dto: CreateTokenDto = { format, ...bound, ttl_seconds: short && !this.model.later ? SHORT_SECONDS : 600 };
    const expected = this.model.beforeIssue(dto, key);
    const answer = replica.issue(callOf(this.#owner, key), dto);
    if (typeof expected === 'object') return expect((await answer).token).toBe(expected.again);
    expect(await codeOf(answer)).toBe(expected);
    if (expected !== 'ok') return;
    const { token, token_id } = await answer;
    expect(
      this.model.all.some(
        (one) => one.token === token && one.purpose === bound.purpose && one.subject === bound.subject,
      ),
    ).toBe(false);
    this.model.issued(dto, key, token, token_id);
  }

  async #present(
    replica: TokensReplica,
    { what, which: n, claim, call, garbled, stranger }: Step & { what: 'redeem' | 'peek' },
  ) {
    const made = this.model.all[n % Math.max(1, this.model.all.length)];
    if (!made) return;
    const token = garbled ? this.#garbled(made.token) : made.token;
    const said: Claim = claim ?? { purpose: made.purpose, subject: made.subject };
    const by = stranger ? callOf(this.#stranger) : (this.#calls[call] as ReturnType<typeof callOf>);
    if (stranger) {
      // Their own guesses are counted: this test has too few for that to matter.
      const refused = await codeOf(replica[what](by, { token, ...said }));
      return expect(['token_unknown', 'validation_failed', 'too_many_attempts']).toContain(refused);
    }
    const expected = this.model.present(token, said, by.messageId, what === 'redeem');
    expect(await codeOf(replica[what](by, { token, ...said }))).toBe(expected);
  }

  async #revoke(replica: TokensReplica, { which: n, stranger }: Step & { what: 'revoke' }): Promise<void> {
    const made = this.model.all[n % Math.max(1, this.model.all.length)];
    if (!made) return;
    const by = callOf(stranger ? this.#stranger : this.#owner);
    expect(await codeOf(replica.revoke(by, made.tokenId))).toBe(
      stranger ? 'token_unknown' : this.model.revoke(made.tokenId),
    );
  }

  /** Another text of the same form that is nobody's. */
  #garbled(token: string): string {
    if (token.length === 72) return token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    const codes = new Set(this.model.all.map((one) => one.token));
    let code = token;
    while (codes.has(code)) code = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    return code;
  }
}

const STORIES = 60;
const stories = fc.tuple(
  fc.array(step, { minLength: 5, maxLength: 40 }),
  fc.array(step, { minLength: 5, maxLength: 25 }),
);

let tokens: Tokens;

beforeAll(() => {
  tokens = new Tokens();
});

afterAll(() => tokens.close());

it('generated stories of making, validating, looking, taking back and expiring go as the model says', async () => {
  const seed = Number(process.env['PUERTA_TEST_SEED'] ?? Date.now() % 1_000_000);
  const replicas = [await tokens.replica(), await tokens.replica()];
  const sampled = fc
    .sample(stories, { numRuns: STORIES, seed })
    .map(([before, after]) => ({ story: new Story(replicas), before, after }));
  const part = (which: 'before' | 'after') =>
    Promise.all(
      sampled.map(async (one) =>
        one.story.tell(one[which]).catch((error: Error) => {
          throw new Error(`PUERTA_TEST_SEED=${seed} ${JSON.stringify([one.before, one.after])}\n${error.message}`);
        }),
      ),
    );
  const started = performance.now();
  await part('before');
  // Else the short ones ended on the way.
  expect(performance.now() - started).toBeLessThan(SHORT_SECONDS * 1_000);
  await sleep(SHORT_SECONDS * 1_000 + SKEW_MS);
  for (const { story } of sampled) story.model.later = true;
  await part('after');
});
