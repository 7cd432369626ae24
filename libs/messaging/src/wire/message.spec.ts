import {
  decodeReplies,
  encodeReply,
  encodeHead,
  encodeErrorReply,
  fromFields,
  isIdempotencyKey,
  isTooLarge,
  MOST_BYTES,
  writtenAt,
} from './message';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
const full = {
  id,
  pattern: 'a.b',
  reply: 'replica-1',
  idempotencyKey: 'key-1',
  requestId: 'req-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const read = (head: string) => fromFields(['ttl', '1000', 'head', head, 'sealed', '2.k1.a.b', 'other', 'x', 'odd']);

it('reads the head it wrote, and the fields beside it', () => {
  const head = encodeHead(full);
  expect(read(head)).toEqual({ ...full, head, sealed: '2.k1.a.b', ttl: 1_000 });
});

it('reads a tracestate as a seventh line, after a traceparent alone', () => {
  const traced = { ...full, tracestate: 'vendor=1, other=a b' };
  const head = encodeHead(traced);
  expect(head.split('\n')).toHaveLength(7);
  expect(read(head)).toMatchObject(traced);
  expect(read(encodeHead({ ...traced, traceparent: undefined })).pattern).toBe('');
  expect(read(encodeHead({ ...traced, tracestate: 'é' })).pattern).toBe('');
});

it('leaves out what is not there', () => {
  const { pattern, reply } = full;
  const bare = { id, pattern, reply };
  expect(encodeHead(bare)).toBe(`${id}\na.b\nreplica-1\n\n\n`);
  expect(read(encodeHead(bare))).toMatchObject(bare);
  expect(fromFields([])).toEqual({ head: '', sealed: '', pattern: '' });
});

it('counts parts of a wrong form as missing, and all of a head that has not its lines', () => {
  expect(read(`${id.toUpperCase()}\na.b\na:b\nkey 1\na b\nx`)).toEqual({
    ...{ head: expect.any(String), sealed: '2.k1.a.b', ttl: 1_000, pattern: 'a.b' },
    // A message must not lose its key and be run as one without.
    idempotencyKey: 'key 1',
  });
  for (const head of ['', id, `${encodeHead(full)}\n`, encodeHead({ ...full, idempotencyKey: 'a\nb' })]) {
    expect(read(head)).toEqual({ head, sealed: '2.k1.a.b', ttl: 1_000, pattern: '' });
  }
  expect(fromFields(['ttl', '01']).ttl).toBeUndefined();
});

it('takes answers for what they are, and nothing else', () => {
  const answers = [
    encodeReply(id, { a: 'ñ"' }),
    encodeReply(id, undefined),
    encodeErrorReply(id, { code: 'no', meta: { a: 1 } }),
  ];
  const replies = [{ id, ok: { a: 'ñ"' } }, { id }, { id, error: { code: 'no', meta: { a: 1 } } }];
  expect(decodeReplies(`[${answers.join()}]`)).toEqual(replies);
  const junk = ['null', '1', '{}', '[]', '{"id":1}', '{"id":"a","error":null}', '{"id":"a","error":{"code":1}}'];
  expect(decodeReplies(`[${[...junk, ...answers].join()}]`)).toEqual(replies);
  for (const text of ['', '[', 'null', '1', '{}', answers.join()]) expect(decodeReplies(text)).toEqual([]);
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
