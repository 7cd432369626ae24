import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { otlpExporter, type Span } from './spans';
import { childTrace } from './trace';

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly object[] };
    readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[];
  }[];
}

describe('spans', () => {
  const parent = childTrace();
  const span: Span = {
    name: 'GET /api/v1/cards/:card_id',
    kind: 'server',
    trace: childTrace(parent),
    ms: 250,
    failed: true,
    attributes: { 'http.response.status_code': 500 },
  };
  let collector: Server;
  let endpoint: string;
  const requests: { url: string | undefined; body: Sent }[] = [];

  beforeAll(async () => {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      requests.push({ url: request.url, body: JSON.parse(Buffer.concat(chunks).toString()) as Sent });
      response.end('{}');
    };
    collector = createServer((request, response) => void answer(request, response));
    await once(collector.listen(0, '127.0.0.1'), 'listening');
    endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  });

  afterAll(() => collector.close());

  it('reach a collector with their trace, and the last ones when the process ends', async () => {
    const spans = await otlpExporter(endpoint, 'gateway');
    spans.record(span);
    spans.record({ ...span, trace: { ...span.trace, sampled: false } });
    await spans.stop();
    expect(requests.map(({ url }) => url)).toEqual(['/v1/traces']);
    const [sent] = requests[0]?.body.resourceSpans ?? [];
    expect(sent?.resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'gateway' } }]);
    const [only, ...others] = sent?.scopeSpans.flatMap(({ spans: all }) => all) ?? [];
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      name: span.name,
      traceId: span.trace.traceId,
      spanId: span.trace.spanId,
      parentSpanId: parent.spanId,
      status: { code: 2 },
    });
    const [start, end] = [Number(only?.['startTimeUnixNano']), Number(only?.['endTimeUnixNano'])];
    expect((end - start) / 1e6).toBeCloseTo(250, 0);
    expect(Math.abs(end / 1e6 - Date.now())).toBeLessThan(5_000);
  });

  it('hold nobody up while the collector is away', async () => {
    const spans = await otlpExporter('http://127.0.0.1:1', 'gateway');
    for (let i = 0; i < 5_000; i++) spans.record(span);
    const begin = performance.now();
    await spans.stop();
    expect(performance.now() - begin).toBeLessThan(4_000);
  });
});
