import { proxied } from '../../test/proxied';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';

describe('what the proxy counts', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    gateway = await startTestGateway({}, [
      proxied(upstream.url),
      proxied('http://127.0.0.1:1', { name: 'away', prefix: '/api/v1/away' }),
    ]);
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const ask = async (path: string): Promise<number> => {
    const headers = { authorization: `Bearer ${gateway.accessToken()}` };
    const answer = await fetch(`${gateway.url}${path}`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };

  it('tells connections, failures, retries, breakers and caches apart, by upstream', async () => {
    expect(await ask('/api/v1/query')).toBe(200);
    for (let i = 0; i < 2; i++) expect(await ask('/api/v1/away')).toBe(502);
    expect(await ask('/api/v1/away')).toBe(503);
    const text = await gateway.metrics.registry.metrics();
    const valueOf = (line: string): number =>
      Number(
        text
          .split('\n')
          .find((one) => one.startsWith(`${line} `))
          ?.split(' ')[1],
      );
    expect(valueOf('puerta_upstream_connections{state="idle",service="gateway"}')).toBe(1);
    expect(valueOf('puerta_upstream_connections{state="busy",service="gateway"}')).toBe(0);
    // The first two were sent again. The third was the fifth failure: nobody was left to send it to again.
    expect(valueOf('puerta_upstream_failures_total{upstream="away",reason="unreachable",service="gateway"}')).toBe(5);
    expect(valueOf('puerta_upstream_retries_total{upstream="away",service="gateway"}')).toBe(3);
    expect(valueOf('puerta_upstream_servers{upstream="away",state="open",service="gateway"}')).toBe(1);
    expect(valueOf('puerta_upstream_servers{upstream="query",state="closed",service="gateway"}')).toBe(1);
    expect(valueOf('puerta_auth_cache_total{cache="tokens",outcome="miss",service="gateway"}')).toBeGreaterThan(0);
    expect(
      valueOf(
        'puerta_http_request_duration_seconds_count{service="gateway",method="GET",route="/api/v1/query/*",status="200"}',
      ),
    ).toBe(1);
  });
});
