import { randomUUID } from 'node:crypto';
import type { ActivityRecord, CreateTokenDto } from '@puerta/contracts';
import { stopwatch, waitFor } from '@puerta/testing';
import { callOf, codeOf, somebody, Tokens, type TokensReplica } from '../../test/tokens';

let tokens: Tokens;
let replicas: [TokensReplica, TokensReplica];

beforeAll(async () => {
  tokens = new Tokens();
  replicas = [await tokens.replica(), await tokens.replica()];
});

afterAll(() => tokens.close());

const ana = somebody();
/** One of the two, in turn. */
const replica = (n: number): TokensReplica => replicas[n % 2] as TokensReplica;
const issue = (dto: CreateTokenDto) => replica(0).issue(callOf(ana), dto);

/** As often as each code came. */
function count(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

const times = <T>(n: number, what: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => what(index)));

it('of five hundred that validate a token at once, one is answered', async () => {
  const { token } = await issue({ payload: 'x' });
  const codes = await times(500, (n) => codeOf(replica(n).redeem(callOf(ana), token)));
  expect(count(codes)).toEqual({ ok: 1, token_used: 499 });
});

it('of fifty with the wrong subject and one with the right one, all at once, that one is answered', async () => {
  for (let round = 0; round < 20; round++) {
    const { token } = await issue({ purpose: 'door', subject: 'ana' });
    const codes = await times(51, (n) =>
      codeOf(replica(n).redeem(callOf(ana), { token, purpose: 'door', subject: n === 25 ? 'ana' : `ana${n}` })),
    );
    expect(codes.filter((code) => code !== 'token_binding_mismatch')).toEqual(['ok']);
    expect(codes[25]).toBe('ok');
  }
});

it('a token is either validated or taken back', async () => {
  const outcomes = await times(50, async (n) => {
    const { token, token_id } = await issue({});
    const both = [codeOf(replica(n).redeem(callOf(ana), token)), codeOf(replica(n + 1).revoke(callOf(ana), token_id))];
    return (await Promise.all(both)).join(' ');
  });
  for (const outcome of outcomes) expect(['ok token_used', 'token_unknown ok']).toContain(outcome);
});

it('the same call that is delivered again, or twice at once, is the same use', async () => {
  const { token } = await issue({ payload: [1] });
  const call = callOf(ana);
  const answers = await times(20, (n) => replica(n).redeem(call, token));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ valid: true, payload: [1] });
  expect(await codeOf(replica(0).redeem(callOf(ana), token))).toBe('token_used');
  expect(await replica(1).redeem(call, token)).toEqual(answers[0]);
});

/** The trail names a token by its id as a UUID. */
const tokenIdOf = ({ subject_id }: ActivityRecord): string =>
  Buffer.from(subject_id.replaceAll('-', ''), 'hex').toString('base64url');

it('a second use that cannot be recorded is recorded by the next one, and once', async () => {
  const { token, token_id } = await issue({});
  await replica(0).redeem(callOf(ana), token);
  tokens.recorded.length = 0;
  tokens.onRecord = () => Promise.reject(new Error('the database is away'));
  for (let n = 0; n < 3; n++) expect(await codeOf(replica(n).redeem(callOf(ana), token))).toBe('token_used');
  expect(tokens.recorded).toEqual([]);
  tokens.onRecord = async (write) => write();
  const second = callOf(ana);
  expect(await codeOf(replica(0).redeem(second, token))).toBe('token_used');
  await times(20, (n) => codeOf(replica(n).redeem(callOf(ana), token)));
  expect(tokens.recorded.map(tokenIdOf)).toEqual([token_id]);
  // Delivered again, since its replica may have died before it was recorded: it is the same line of the trail.
  expect(await codeOf(replica(1).redeem(second, token))).toBe('token_used');
  expect(tokens.recorded).toEqual([tokens.recorded[0], tokens.recorded[0]]);
});

it('a second use is answered though the database stands still, and is one line however often it is recorded', async () => {
  const { token } = await issue({});
  await replica(0).redeem(callOf(ana), token);
  tokens.recorded.length = 0;
  // It does what it was asked when it goes on, long after nobody waits for its answer any more.
  let goOn = (): void => undefined;
  let asked = 0;
  tokens.onRecord = (write) => {
    asked += 1;
    return new Promise((_, reject) => {
      goOn = () => {
        write();
        reject(new Error('no answer'));
      };
    });
  };
  for (const most of [1_000, 300]) {
    const elapsed = stopwatch();
    expect(await codeOf(replica(0).redeem(callOf(ana), token))).toBe('token_used');
    expect(elapsed()).toBeLessThan(most);
  }
  expect(asked).toBe(1);
  goOn();
  tokens.onRecord = async (write) => write();
  await waitFor(async () => {
    expect(await codeOf(replica(1).redeem(callOf(ana), token))).toBe('token_used');
    return tokens.recorded.length === 2;
  });
  expect(tokens.recorded[1]).toEqual(tokens.recorded[0]);
});

it('the same Idempotency-Key is the same use, for the same user', async () => {
  const { token } = await issue({});
  const key = randomUUID();
  const colleague = { ...somebody(), company_id: ana.company_id };
  const answers = await times(20, (n) => replica(n).redeem(callOf(ana, key), token));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await codeOf(replica(0).redeem(callOf(colleague, key), token))).toBe('token_used');
  expect(await codeOf(replica(0).redeem(callOf(ana, randomUUID()), token))).toBe('token_used');
});

it('a token that is made twenty times at once under one Idempotency-Key is made once', async () => {
  const key = randomUUID();
  const dto: CreateTokenDto = { purpose: 'door', payload: { seat: 1 } };
  const answers = await times(20, (n) => replica(n).issue(callOf(ana, key), { ...dto }));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  // The order of names makes no other request; another value does; and so do another user, and no key at all.
  expect(await replica(0).issue(callOf(ana, key), { payload: { seat: 1 }, purpose: 'door' })).toEqual(answers[0]);
  expect(await codeOf(replica(0).issue(callOf(ana, key), { ...dto, payload: { seat: 2 } }))).toBe(
    'idempotency_mismatch',
  );
  const colleague = { ...somebody(), company_id: ana.company_id };
  for (const other of [callOf(colleague, key), callOf(ana, randomUUID()), callOf(ana)]) {
    expect((await replica(0).issue(other, dto)).token).not.toBe(answers[0]?.token);
  }
  const use = { token: answers[0]?.token ?? '', purpose: 'door' };
  expect(await codeOf(replica(1).redeem(callOf(ana), use))).toBe('ok');
  expect(await replica(1).issue(callOf(ana, key), dto)).toEqual(answers[0]);
  expect(await codeOf(replica(1).redeem(callOf(ana), use))).toBe('token_used');
});

describe('of a thousand wrong codes at once, over two replicas', () => {
  const claim = { purpose: 'login', subject: 'ana' };
  const wrong = (right: string, n: number) => String((Number(right) + 1 + n) % 1_000_000).padStart(6, '0');

  it.each(['redeem', 'peek', 'both'])('five are looked at (%s)', async (how) => {
    const subject = randomUUID();
    const { token } = await issue({ ...claim, subject, format: 'code' });
    const codes = await times(1_000, (n) => {
      const verb = how === 'both' ? (n % 3 ? 'redeem' : 'peek') : (how as 'redeem');
      return codeOf(replica(n)[verb](callOf(ana), { ...claim, subject, token: wrong(token, n) }));
    });
    expect(count(codes)).toEqual({ token_unknown: 5, too_many_attempts: 995 });
    expect(await codeOf(replica(0).redeem(callOf(ana), { ...claim, subject, token }))).toBe('too_many_attempts');
  });

  it('five are looked at for each purpose, whichever codes there are', async () => {
    const subject = randomUUID();
    const purposes = ['login', 'reset', 'door'];
    const made = await Promise.all(purposes.map((purpose) => issue({ purpose, subject, format: 'code' })));
    const rights = new Set(made.map(({ token }) => token));
    const guesses = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(6, '0')).filter(
      (code) => !rights.has(code),
    );
    // Nobody guesses at doors.
    const codes = await Promise.all(
      guesses.map((token, n) => codeOf(replica(n).redeem(callOf(ana), { token, subject, purpose: purposes[n % 2] }))),
    );
    expect(count(codes)['token_unknown']).toBe(10);
    for (const [n, { token }] of made.entries()) {
      expect(await codeOf(replica(n).redeem(callOf(ana), { token, subject, purpose: purposes[n] }))).toBe(
        purposes[n] === 'door' ? 'ok' : 'too_many_attempts',
      );
    }
    // Another subject, and the same subject of another company, are not concerned.
    expect(await codeOf(issue({ ...claim, subject: randomUUID(), format: 'code' }))).toBe('ok');
    expect(await codeOf(replica(0).issue(callOf(somebody()), { ...claim, subject, format: 'code' }))).toBe('ok');
  });
});

describe('colleagues who guess at a code', () => {
  const claim = { purpose: 'login', subject: 'luis' };
  const wrong = (right: string, n: number) => String((Number(right) + 1 + n) % 1_000_000).padStart(6, '0');
  const colleague = () => ({ ...somebody(), company_id: ana.company_id });
  const guess = (who: ReturnType<typeof somebody>, token: string, bound: object, n: number) =>
    codeOf(replica(n)[n % 3 ? 'redeem' : 'peek'](callOf(who), { ...claim, ...bound, token }));

  it('shut nobody out but themselves', async () => {
    const subject = randomUUID();
    const { token } = await issue({ ...claim, subject, format: 'code' });
    const [mallory, eve] = [colleague(), colleague()];
    const codes = await times(100, (n) => guess(mallory, wrong(token, n), { subject }, n));
    expect(count(codes)).toEqual({ token_unknown: 5, too_many_attempts: 95 });
    expect(await guess(mallory, token, { subject }, 1)).toBe('too_many_attempts');
    // Neither for another purpose, nor the one who made it, nor anybody else who has it.
    expect(await codeOf(replica(0).issue(callOf(ana), { ...claim, subject, format: 'code' }))).toBe('ok');
    expect(await codeOf(replica(0).peek(callOf(ana), { ...claim, subject, token }))).toBe('ok');
    expect(await codeOf(replica(0).redeem(callOf(eve), { ...claim, subject, token }))).toBe('ok');
  });

  it('have twenty guesses together, however many they are, and its maker may still use it', async () => {
    const subject = randomUUID();
    const { token } = await issue({ ...claim, subject, format: 'code' });
    const many = Array.from({ length: 40 }, colleague);
    // Who makes a code of their own is no further with this one.
    const others = await times(10, (n) =>
      replica(n).issue(callOf(many[n] as (typeof many)[0]), { ...claim, subject, format: 'code' }),
    );
    const live = new Set([token, ...others.map((one) => one.token)]);
    const guesses = Array.from({ length: 500 }, (_, n) => wrong(token, n)).filter((code) => !live.has(code));
    const codes = await times(400, (n) => guess(many[n % 40] as (typeof many)[0], guesses[n] ?? '', { subject }, n));
    expect(count(codes)).toEqual({ token_unknown: 20, too_many_attempts: 380 });
    // Right or wrong, they are told the same.
    for (const one of [many[0], many[39]] as const) {
      for (const shown of [token, guesses[7] ?? '']) {
        expect(await guess(one as (typeof many)[0], shown, { subject }, 1)).toBe('too_many_attempts');
      }
    }
    expect(await codeOf(replica(1).peek(callOf(ana), { ...claim, subject, token: guesses[9] ?? '' }))).toBe(
      'too_many_attempts',
    );
    expect(await codeOf(replica(0).peek(callOf(ana), { ...claim, subject, token }))).toBe('ok');
    expect(await codeOf(replica(1).redeem(callOf(ana), { ...claim, subject, token }))).toBe('ok');
  });
});
