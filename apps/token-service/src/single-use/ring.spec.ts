import { randomUUID } from 'node:crypto';
import { callOf, codeOf, newSecret, somebody, Tokens } from '../../test/tokens';

const ana = somebody();
let tokens: Tokens;

beforeAll(() => {
  tokens = new Tokens();
});

afterAll(() => tokens.close());

/** Three replicas in the middle of a change of keys: one knows the old one, two know both, in either order. */
async function changing() {
  const next = `k2:${newSecret()}`;
  const ring = (keys: string) => tokens.replica({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keys });
  return {
    old: await ring(tokens.ring),
    both: await ring(`${tokens.ring},${next}`),
    turned: await ring(`${next},${tokens.ring}`),
  };
}

it('while keys are changed, tokens and codes of either are found, used once, and taken back', async () => {
  const { old, both, turned } = await changing();
  const claim = { purpose: 'login', subject: randomUUID() };
  for (const [maker, finders] of [
    [old, [both, turned]],
    [turned, [both]],
    [both, [turned, old]],
  ] as const) {
    for (const finder of finders) {
      for (const dto of [{}, { ...claim, format: 'code' as const }]) {
        const made = await maker.issue(callOf(ana), { ...dto, payload: 'x' });
        const shown = { token: made.token, ...('purpose' in dto ? claim : {}) };
        const call = callOf(ana);
        expect(await finder.peek(call, shown)).toMatchObject({ payload: 'x', token_id: made.token_id });
        const codes = await Promise.all([finder, maker].map((each) => codeOf(each.redeem(callOf(ana), shown))));
        expect(codes.sort()).toEqual(['ok', 'token_used']);
        const other = await maker.issue(callOf(ana));
        expect(await codeOf(finder.revoke(callOf(ana), other.token_id))).toBe('ok');
        expect(await codeOf(maker.redeem(callOf(ana), other.token))).toBe('token_unknown');
      }
    }
  }
});

it('the same call is the same use, and has the same answer, whichever key comes first where it is repeated', async () => {
  const { both, turned } = await changing();
  const key = randomUUID();
  const made = await both.issue(callOf(ana, key), { payload: 1 });
  expect(await turned.issue(callOf(ana, key), { payload: 1 })).toEqual(made);
  expect(await codeOf(turned.issue(callOf(ana, key), { payload: 2 }))).toBe('idempotency_mismatch');
  const call = callOf(ana);
  expect(await turned.redeem(call, made.token)).toEqual(await both.redeem(call, made.token));
});

it('guesses are counted together, whichever key comes first where they are made', async () => {
  const { both, turned } = await changing();
  const claim = { purpose: 'login', subject: randomUUID() };
  const { token } = await both.issue(callOf(ana), { ...claim, format: 'code' });
  const wrong = Array.from({ length: 200 }, (_, n) => String((Number(token) + 1 + n) % 1_000_000).padStart(6, '0'));
  const codes = await Promise.all(
    wrong.map((one, n) => codeOf((n % 2 ? both : turned).redeem(callOf(ana), { ...claim, token: one }))),
  );
  expect(codes.filter((code) => code === 'token_unknown')).toHaveLength(5);
  for (const replica of [both, turned]) {
    expect(await codeOf(replica.redeem(callOf(ana), { ...claim, token }))).toBe('too_many_attempts');
    expect(await codeOf(replica.issue(callOf(ana), { ...claim, format: 'code' }))).toBe('too_many_attempts');
  }
});

it('without the key that made it, a token is unknown', async () => {
  const { old } = await changing();
  const stranger = await tokens.replica({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k1:${newSecret()}` });
  const made = await old.issue(callOf(ana));
  expect(await codeOf(stranger.redeem(callOf(ana), made.token))).toBe('token_unknown');
  expect(await codeOf(stranger.revoke(callOf(ana), made.token_id))).toBe('token_unknown');
  expect(await codeOf(old.redeem(callOf(ana), made.token))).toBe('ok');
});
