import { decodeReply, encodeAnswer, encodeRefusal, fromFields, isIdempotencyKey, isTooLarge, MOST_BYTES, toFields, writtenAt } from './message';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
const full = {
  id,
  pattern: 'a.b',
  sealed: '1.k1.a.b.c',
  reply: 'replica-1',
  requestId: 'req-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  idempotencyKey: 'key-1',
};

it('reads the fields it wrote', () => {
  expect(fromFields(['ttl', '1000', ...toFields(full)])).toEqual({ ...full, ttl: 1_000 });
});

it('leaves out what is not there', () => {
  const { pattern, sealed, reply, requestId } = full;
  const bare = { id, pattern, sealed, reply, requestId };
  expect(toFields(bare)).toEqual(['id', id, 'pattern', 'a.b', 'sealed', sealed, 'reply', 'replica-1', 'request', 'req-1']);
  expect(fromFields(toFields(bare))).toEqual(bare);
});

it('counts fields of a wrong form as missing', () => {
  const wrong = ['id', id.toUpperCase(), 'reply', 'a:b', 'request', 'a\nb', 'trace', 'x', 'ttl', '01', 'other', '1', 'odd'];
  expect(fromFields(wrong)).toEqual({});
});

it('reads the answers and refusals it wrote, and nothing else', () => {
  expect(decodeReply(encodeAnswer(id, { a: 'ñ"' }))).toEqual({ id, ok: { a: 'ñ"' } });
  expect(decodeReply(encodeAnswer(id, undefined))).toEqual({ id });
  expect(decodeReply(encodeRefusal(id, { code: 'no', meta: { a: 1 } }))).toEqual({ id, error: { code: 'no', meta: { a: 1 } } });
  for (const junk of ['', '{', 'null', '1', '{}', '{"id":1}', '{"id":"a","error":null}', '{"id":"a","error":{"code":1}}']) {
    expect(decodeReply(junk)).toBeUndefined();
  }
});

it('measures in bytes', () => {
  expect(isTooLarge('ñ'.repeat(MOST_BYTES / 2))).toBe(false);
  expect(isTooLarge('ñ'.repeat(MOST_BYTES / 2) + 'a')).toBe(true);
  expect(isTooLarge('a'.repeat(MOST_BYTES))).toBe(false);
  expect(isTooLarge('a'.repeat(MOST_BYTES + 1))).toBe(true);
});

it('knows the time of an entry and the form of an idempotency key', () => {
  expect(writtenAt('1700000000123-7')).toBe(1_700_000_000_123);
  expect(['a', 'a-b_c.d:e', 'k'.repeat(255)].every(isIdempotencyKey)).toBe(true);
  expect(['', ' ', 'a b', 'ñ', 'a\n', 'k'.repeat(256)].some(isIdempotencyKey)).toBe(false);
});
