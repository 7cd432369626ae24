import { proxied } from '../../test/proxied';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';

describe('a request that is forwarded', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    gateway = await startTestGateway({}, [proxied(upstream.url)]);
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${gateway.accessToken()}`, ...init.headers },
    });

  it('arrives as it was sent, with who it is from', async () => {
    upstream.answer = (_request, response) => void response.writeHead(201, { etag: '"1"' }).end('made');
    const answer = await ask('/api/v1/query/chats?a=1&b=%20', {
      method: 'POST',
      body: 'a question',
      headers: { 'X-User-ID': 'me' },
    });
    expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([201, '"1"', 'made']);
    const { method, url, body, headers } = upstream.last;
    expect([method, url, body.toString()]).toEqual(['POST', '/api/v1/query/chats?a=1&b=%20', 'a question']);
    expect(headers).toMatchObject({
      'x-user-id': ACTOR.user_id,
      'x-company-id': ACTOR.company_id,
      'x-user-email': ACTOR.email,
      'x-user-roles': 'owner',
      'x-request-id': answer.headers.get('x-request-id'),
      'x-forwarded-for': '127.0.0.1',
    });
    expect(headers).not.toHaveProperty('authorization');
  });

  it('is not forwarded without a token', async () => {
    const before = upstream.received.length;
    const answer = await ask('/api/v1/query/chats', { headers: { authorization: '' } });
    expect(answer.status).toBe(401);
    expect(upstream.received).toHaveLength(before);
  });
});
