import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileAddresses, newFileKey, STORAGE, type Storage } from '@puerta/storage';
import { rawRequest, sendRaw } from '../../test/raw-http';
import { PUBLIC_URL, startTestGateway, type TestGateway } from '../../test/test-gateway';

const content = randomBytes(200_000);
const key = newFileKey('photos', randomUUID(), 'image/jpeg');

/** The same text with another character at that place. */
function altered(text: string, i: number): string {
  return text.slice(0, i) + (text[i] === 'x' ? 'y' : 'x') + text.slice(i + 1);
}

describe('files', () => {
  let gateway: TestGateway;
  let storage: Storage;
  let addresses: FileAddresses;

  beforeAll(async () => {
    gateway = await startTestGateway();
    storage = gateway.app.get<Storage>(STORAGE);
    addresses = gateway.app.get(FileAddresses);
    await storage.put(key, content, { limit: content.length });
  });
  afterAll(() => gateway.stop());

  const pathOf = async (fileKey = key, options = {}): Promise<string> => {
    const url = await storage.signedUrl(fileKey, options);
    expect(url.startsWith(`${PUBLIC_URL}/files/`)).toBe(true);
    return url.slice(PUBLIC_URL.length);
  };
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(gateway.url + path, init);
  const seconds = (): number => Math.floor(Date.now() / 1_000);

  it('are given to whoever has a signed address, without any token', async () => {
    const answer = await ask(await pathOf(key, { fileName: 'photo-26-10001.jpg' }));
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': '200000',
      'content-disposition': 'inline; filename="photo-26-10001.jpg"',
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'cross-origin',
      etag: expect.stringMatching(/^".+"$/),
    });
  });

  it('say the same to HEAD, and nothing to who has them already', async () => {
    const path = await pathOf();
    const head = await ask(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '200000', '']);
    const etag = head.headers.get('etag') ?? '';
    const again = await ask(path, { headers: { 'if-none-match': etag } });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
  });

  it('are shown by any page, and change nothing', async () => {
    const path = await pathOf();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(path, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    }
  });

  it('get one identical 404, whatever is wrong with the address', async () => {
    const gone = newFileKey('photos', randomUUID(), 'image/png');
    const good = await pathOf();
    const token = good.slice('/files/'.length);
    const bad = [
      await pathOf(gone),
      `/files/${addresses.token({ key, expiresAt: seconds() - 1 })}`,
      `/files/${addresses.token({ key: 'photos/../../secrets.json', expiresAt: seconds() + 60 })}`,
      `/files/${addresses.token({ key: 'folder-id', expiresAt: seconds() + 60 })}`,
      ...[0, 5, 30, 50, 70, token.length - 1].map((i) => `/files/${altered(token, i)}`),
      `/files/${token.slice(0, -1)}`,
      `/files/${token}x`,
      `/files/${token}/`,
      `/files/${token}%2f..%2f..`,
      `/files/x/${token}`,
      `/files/${key}`,
      '/files/..%2f..%2fsecrets.json',
      '/files/%00',
      '/files/-',
    ];
    const answers = new Set<string>();
    for (const path of bad) {
      const { status, headers, body } = await sendRaw(gateway.url, rawRequest({ path }));
      const problem = { ...body, request_id: 'any' };
      answers.add(JSON.stringify([status, headers['content-type'], headers['cache-control'], problem]));
      expect([path, (await ask(path, { method: 'HEAD' })).status]).toEqual([path, 404]);
    }
    const problem = expect.objectContaining({ code: 'not_found', instance: '/files' }) as object;
    expect([...answers].map((text) => JSON.parse(text) as unknown)).toEqual([
      [404, 'application/problem+json; charset=utf-8', 'no-store', problem],
    ]);
  });

  it('get that 404 when the address is of another installation', async () => {
    const other = await startTestGateway();
    const url = await other.app.get<Storage>(STORAGE).signedUrl(key);
    expect((await ask(url.slice(PUBLIC_URL.length))).status).toBe(404);
    await other.stop();
  });

  it('are served no longer than was signed', async () => {
    const path = `/files/${addresses.token({ key, expiresAt: seconds() + 2 })}`;
    expect((await ask(path)).status).toBe(200);
    const until = Date.now() + 5_000;
    while ((await ask(path)).status === 200 && Date.now() < until) await sleep(100);
    expect((await ask(path)).status).toBe(404);
  });

  it('are in the log without the word that opens them', async () => {
    const path = await pathOf();
    await ask(path);
    await ask(`${path}x`);
    const lines = gateway.lines.filter((line) => line.includes('"/files/*"'));
    expect(lines.length).toBeGreaterThan(0);
    expect(gateway.lines.join('\n')).not.toContain(path.slice('/files/'.length, 60));
  });
});

it('limits how often an address may try', async () => {
  const gateway = await startTestGateway({ GATEWAY_RATE_LIMIT: 'on', GATEWAY_RATE_LIMIT_PER_ADDRESS: '10' });
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) statuses.push((await fetch(`${gateway.url}/files/guess-${i}`)).status);
  expect(statuses).toEqual([...Array<number>(10).fill(404), 429]);
  await gateway.stop();
});
