import { randomUUID } from 'node:crypto';
import {
  type CreatedToken,
  CreateTokenDto,
  type JsonValue,
  RecordActivityDto,
  type tokenServiceContract,
  validateDto,
} from '@puerta/contracts';
import type { ServiceClient } from '@puerta/messaging';
import fc from 'fast-check';
import { TestTokenService } from '../../test/token-service';
import { codeOf, refusalOf, somebody } from '../../test/tokens';

type Client = ServiceClient<typeof tokenServiceContract>;

let service: TestTokenService;
let gateway: Client;
let identity: Client;
let cardIssuer: Client;

beforeAll(async () => {
  service = await TestTokenService.create();
  await Promise.all([service.start(), service.start()]);
  [gateway, identity, cardIssuer] = await Promise.all([
    service.as('gateway'),
    service.as('identity'),
    service.as('card-issuer'),
  ]);
});

afterAll(() => service.close());

const ana = somebody();

const create = (dto: CreateTokenDto = {}, actor: object = ana): Promise<CreatedToken> =>
  gateway.request('single-use-tokens.issue', dto, { actor });

const validate = (token: string, more: object = {}, actor: object = ana) =>
  gateway.request('single-use-tokens.redeem', { token, ...more }, { actor });

const peek = (token: string, more: object = {}, actor: object = ana) =>
  gateway.request('single-use-tokens.peek', { token, ...more }, { actor });

describe('a single-use token', () => {
  it('is made, and used up once, with what was said when it was made', async () => {
    const payload = { seat: [1, 'A', null, true, 2.5], toString: 'x' };
    const made = await create({ purpose: 'door', subject: 'ana', payload });
    expect(made).toEqual({
      token: expect.stringMatching(/^[A-Za-z0-9_-]{72}$/),
      token_id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      expires_in: 10,
      expires_at: expect.stringMatching(/Z$/),
    });
    expect(Math.abs(Date.parse(made.expires_at) - Date.now() - 10_000)).toBeLessThan(2_000);
    const answer = await validate(made.token, { purpose: 'door', subject: 'ana' });
    expect(answer).toEqual({
      valid: true,
      token_id: made.token_id,
      purpose: 'door',
      payload,
      created_by: ana.user_id,
      created_at: expect.stringMatching(/Z$/),
    });
    const { code, extra } = await refusalOf(validate(made.token, { purpose: 'door', subject: 'ana' }));
    expect(code).toBe('token_used');
    expect(Math.abs(Date.parse(String(extra.meta?.['used_at'])) - Date.now())).toBeLessThan(2_000);
  });

  it('without purpose and subject is good for nobody who names one, and the wrong claim does not use it up', async () => {
    const { token } = await create();
    for (const claim of [{ purpose: 'x' }, { subject: 'x' }, { purpose: 'null', subject: 'null' }]) {
      expect(await codeOf(validate(token, claim))).toBe('token_binding_mismatch');
    }
    expect(await codeOf(validate(token, { purpose: null, subject: null }))).toBe('ok');
    expect(await codeOf(validate(token))).toBe('token_used');
  });

  it('can be looked at without being used up', async () => {
    const { token } = await create({ payload: 7 });
    for (let i = 0; i < 3; i++) expect(await peek(token)).toMatchObject({ valid: true, payload: 7 });
    expect(await codeOf(validate(token))).toBe('ok');
    expect(await codeOf(peek(token))).toBe('token_used');
  });

  it('can be taken back, which more often is no mistake', async () => {
    const { token, token_id } = await create();
    const revoke = () => gateway.request('single-use-tokens.revoke', { token_id }, { actor: ana });
    expect(await revoke()).toEqual({ revoked: true });
    expect(await revoke()).toEqual({ revoked: true });
    expect(await codeOf(validate(token))).toBe('token_unknown');
    const other = await create();
    await validate(other.token);
    expect(
      await codeOf(gateway.request('single-use-tokens.revoke', { token_id: other.token_id }, { actor: ana })),
    ).toBe('token_used');
  });

  it('belongs to a company, or to who has none; others do not even learn that it is there', async () => {
    const { token, token_id } = await create();
    const colleague = { ...somebody(), company_id: ana.company_id };
    for (const stranger of [somebody(), somebody(null), { ...ana, company_id: null }]) {
      expect(await codeOf(validate(token, {}, stranger))).toBe('token_unknown');
      expect(await codeOf(peek(token, {}, stranger))).toBe('token_unknown');
      expect(await codeOf(gateway.request('single-use-tokens.revoke', { token_id }, { actor: stranger }))).toBe(
        'token_unknown',
      );
    }
    for (const client of [identity, cardIssuer]) {
      expect(await codeOf(client.request('single-use-tokens.redeem', { token }))).toBe('token_unknown');
    }
    expect(await codeOf(validate(token, {}, colleague))).toBe('ok');
  });

  it('needs somebody on whose behalf the gateway asks', async () => {
    expect(await codeOf(gateway.request('single-use-tokens.issue', {}))).toBe('unauthenticated');
  });

  it('of a service is its own', async () => {
    const made = await identity.request('single-use-tokens.issue', {
      purpose: 'password-reset',
      subject: ana.user_id,
      ttl_seconds: 3_600,
    });
    const claim = { token: made.token, purpose: 'password-reset', subject: ana.user_id };
    expect(await codeOf(validate(claim.token, claim))).toBe('token_unknown');
    expect(await codeOf(cardIssuer.request('single-use-tokens.redeem', claim))).toBe('token_unknown');
    expect(await identity.request('single-use-tokens.redeem', claim)).toMatchObject({
      created_by: 'identity',
      payload: null,
    });
  });

  it('expires, and says so; what was never one is unknown', async () => {
    const { token } = await create({ ttl_seconds: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(await codeOf(validate(token))).toBe('token_expired');
    expect(await codeOf(peek(token))).toBe('token_expired');
    expect(await codeOf(validate('x'))).toBe('token_unknown');
    expect(await codeOf(validate(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`))).toBe('token_unknown');
  });
});

describe('a code', () => {
  const claim = () => ({ purpose: 'login', subject: randomUUID() });

  it('has six digits, and is good once for its purpose and subject', async () => {
    const bound = claim();
    const made = await create({ ...bound, format: 'code', ttl_seconds: 60 });
    expect(made.token).toMatch(/^\d{6}$/);
    expect(await codeOf(validate(made.token, { ...bound, subject: 'other' }))).toBe('token_unknown');
    expect(await codeOf(validate(made.token, { ...bound, purpose: 'other' }))).toBe('token_unknown');
    expect(await codeOf(validate(made.token, bound))).toBe('ok');
    expect(await codeOf(validate(made.token, bound))).toBe('token_used');
  });

  it('needs purpose and subject, and lives 15 minutes at most', async () => {
    const errors = async (dto: CreateTokenDto) => (await refusalOf(create({ format: 'code', ...dto }))).extra.errors;
    expect(await errors({})).toEqual([
      { field: 'purpose', code: 'required' },
      { field: 'subject', code: 'required' },
    ]);
    expect(await errors({ ...claim(), ttl_seconds: 901 })).toEqual([
      { field: 'ttl_seconds', code: 'out_of_range', params: { min: 1, max: 900 } },
    ]);
    expect(await codeOf(validate('123456'))).toBe('validation_failed');
  });

  it('may be guessed at five times, peeks included; then nothing is looked at, whatever is right', async () => {
    const bound = claim();
    const { token } = await create({ ...bound, format: 'code' });
    const wrong = (n: number) => String((Number(token) + n) % 1_000_000).padStart(6, '0');
    for (let n = 1; n <= 5; n++) expect(await codeOf((n % 2 ? validate : peek)(wrong(n), bound))).toBe('token_unknown');
    for (const answer of [validate(token, bound), peek(token, bound), create({ ...bound, format: 'code' })]) {
      const { code, extra } = await refusalOf(answer);
      expect(code).toBe('too_many_attempts');
      expect(Number(extra.meta?.['retry_after'])).toBeGreaterThan(890);
    }
  });
});

describe('a second use', () => {
  const published = (tokenId: string) => {
    const hex = Buffer.from(tokenId, 'base64url').toString('hex');
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const statement = `SELECT data FROM outbox WHERE type = 'activity' AND data->>'subject_id' = $1`;
    return service.database.query<{ data: Record<string, string> }[]>(statement, [id]);
  };

  it('goes to the activity trail, once, whoever else comes', async () => {
    const { token, token_id } = await create();
    await validate(token);
    expect(await codeOf(peek(token))).toBe('token_used');
    expect(await published(token_id)).toEqual([]);
    const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(validate(token))));
    expect(new Set(codes)).toEqual(new Set(['token_used']));
    const [row, ...more] = await published(token_id);
    expect(more).toEqual([]);
    expect(row?.data).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      kind: 'token.reused',
      at: expect.stringMatching(/Z$/),
      actor_user_id: ana.user_id,
      company_id: ana.company_id,
      subject_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8/),
    });
    expect(validateDto(RecordActivityDto, row?.data)).toBeInstanceOf(RecordActivityDto);
  });

  it('of a token of a service is for that service alone to tell', async () => {
    const { token, token_id } = await identity.request('single-use-tokens.issue', {});
    await identity.request('single-use-tokens.redeem', { token });
    expect(await codeOf(identity.request('single-use-tokens.redeem', { token }))).toBe('token_used');
    expect(await published(token_id)).toEqual([]);
  });
});

describe('a payload', () => {
  it('comes back as it went, whatever JSON it is', async () => {
    const anything = fc.jsonValue({ maxDepth: 5 }).filter((value) => Buffer.byteLength(JSON.stringify(value)) <= 4_096);
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const payload = JSON.parse(JSON.stringify(value)) as JsonValue;
        const made = await codeOf(create({ payload }));
        if (made !== 'ok') return expect(made).toBe('validation_failed');
        const { token } = await create({ payload });
        expect(JSON.stringify((await validate(token)).payload)).toBe(JSON.stringify(payload));
      }),
      { numRuns: 100 },
    );
  });

  const deep = (levels: number): JsonValue => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as JsonValue;

  it.each<[what: string, payload: JsonValue]>([
    ['null', null],
    ['false', false],
    ['a text with everything in it', 'a\0\u2028\u202e😀"\\'],
    ['names of methods', { toString: 1, valueOf: 2, hasOwnProperty: 3, then: 4, toJSON: 5, '': 6 }],
    ['seven levels', deep(7)],
    ['4,096 bytes', 'é'.repeat(2_047)],
    ['the largest number that is exact', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 5e-324, 1.5]],
  ])('may be %s', async (_, payload) => {
    const { token } = await create({ payload });
    expect((await validate(token)).payload).toEqual(payload);
  });

  it.each<[what: string, payload: string, code: string]>([
    ['4,097 bytes', JSON.stringify(`${'é'.repeat(2_047)}a`), 'too_large'],
    ['eight levels', JSON.stringify(deep(8)), 'too_deep'],
    ['a thousand levels', JSON.stringify(deep(1_000)), 'too_deep'],
    ['a name that becomes a prototype', '{"a":{"__proto__":{"admin":true}}}', 'unknown_field'],
    ['a constructor', '{"constructor":{"prototype":{}}}', 'unknown_field'],
    ['a lone surrogate', '["\\ud800"]', 'forbidden_characters'],
    ['a lone surrogate in a name', '{"\\udc00":1}', 'forbidden_characters'],
    ['a number beyond all', '[1e400]', 'out_of_range'],
    ['a number that would be another one', '{"n":9007199254740993}', 'out_of_range'],
  ])('may not be %s', async (_, text, code) => {
    const payload = JSON.parse(text) as JsonValue;
    // Some of it no client of the bus would send: the gateway refuses it by the same rules.
    const refused = await refusalOf(Promise.resolve().then(() => validateDto(CreateTokenDto, { payload })));
    expect(refused).toMatchObject({ code: 'validation_failed', extra: { errors: [{ code }] } });
  });
});
