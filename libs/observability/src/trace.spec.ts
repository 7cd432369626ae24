import { requestId } from './request-id';
import { childTrace, formatTraceparent, parseTraceparent } from './trace';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-ff`, true],
    [`cc-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, true],
  ])('is read: %s', (header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    undefined,
    '',
    7,
    [`00-${TRACE}-${SPAN}-01`],
    'junk',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `cc-${TRACE}-${SPAN}-01.x`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`,
  ])('is not believed: %p', (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it('survives being written and read', () => {
    for (const trace of [childTrace(), { ...childTrace(), sampled: false }]) {
      expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    }
  });

  it('goes on in the same trace with a span of its own', () => {
    const parent = childTrace();
    const child = childTrace(parent);
    expect(child).toMatchObject({ traceId: parent.traceId, sampled: parent.sampled });
    expect(child.spanId).not.toBe(parent.spanId);
    expect(childTrace().traceId).not.toBe(parent.traceId);
  });
});

describe('a request id', () => {
  it.each(['a', 'A-z_0.9', 'x'.repeat(64)])("is the caller's when it is a short plain word: %s", (id) => {
    expect(requestId(id)).toBe(id);
  });

  it.each([undefined, '', 'x'.repeat(65), 'a b', 'a\n', 'ü', '<script>', ['a'], 7])(
    'is a new UUIDv7 instead of %p',
    (header) => {
      expect(requestId(header)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    },
  );
});
