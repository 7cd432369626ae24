import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { storageUrl } from '@puerta/config';
import { freePort, startS3, type TestS3, Wire } from '@puerta/testing';
import { bytesOf, openBucket } from '../../test/backends';
import { newFileKey } from '../file-key';
import { storageOrigin } from '../origin';
import type { Storage } from '../storage';

const key = newFileKey('photos', randomUUID(), 'image/png');
const account = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const urlOf = (port: number): string => `s3://bucket?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;

const attempts: [string, (storage: Storage) => Promise<unknown>][] = [
  ['put', (storage) => storage.put(key, Buffer.from('x'), { limit: 1 })],
  ['get', (storage) => storage.get(key)],
  ['head', (storage) => storage.head(key)],
  ['delete', (storage) => storage.delete(key)],
];

/** How each attempt ended, and the seconds that the slowest took. */
async function outcomes(storage: Storage): Promise<[unknown[], number]> {
  const began = performance.now();
  const ends = attempts.map(([, attempt]) =>
    attempt(storage).catch((error: { code?: string; name: string }) => error.code ?? error.name),
  );
  const codes = await Promise.all(ends);
  await storage.close();
  return [codes, (performance.now() - began) / 1_000];
}

describe('a bucket that cannot be used', () => {
  it('is unavailable when nobody listens there, and says so soon', async () => {
    const [codes, seconds] = await outcomes(await openBucket(urlOf(await freePort()), account));
    expect(codes).toEqual(Array(4).fill('service_unavailable'));
    expect(seconds).toBeLessThan(3);
  });

  it('is unavailable when it does not answer, and does not keep anybody waiting', async () => {
    const silent: TcpServer = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const [codes, seconds] = await outcomes(await openBucket(urlOf((silent.address() as AddressInfo).port), account));
    silent.close();
    expect(codes).toEqual(Array(4).fill('service_unavailable'));
    expect(seconds).toBeLessThan(6);
  });

  it('is unavailable when it answers failures slowly, which are not asked for three times', async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      request.resume();
      setTimeout(() => response.writeHead(500).end(), 2_700);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [codes] = await outcomes(await openBucket(urlOf((server.address() as AddressInfo).port), account));
    server.close();
    expect(codes).toEqual(Array(4).fill('service_unavailable'));
    expect(asked).toBe(4);
  });

  it('is unavailable when it falls silent in the middle of a large upload, which is taken back', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.method ?? '');
      request.resume();
      const started = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
      if (request.method === 'POST') response.writeHead(200, { 'content-type': 'application/xml' }).end(started);
      if (request.method === 'DELETE') response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const storage = await openBucket(urlOf((server.address() as AddressInfo).port), account);
    const began = performance.now();
    const end = await storage.put(key, Buffer.alloc(6_000_000), { limit: 6_000_000 }).catch((error: unknown) => error);
    const took = performance.now() - began;
    await storage.close();
    server.closeAllConnections();
    server.close();
    expect(end).toMatchObject({ code: 'service_unavailable' });
    expect(took).toBeLessThan(6_000);
    expect(asked).toEqual(['POST', 'PUT', 'DELETE']);
  });

  /** An error event that nobody listens to would be an uncaught exception, which fails the test. */
  it('is unavailable when its connections are reset, at whichever byte, also of a file that nobody reads', async () => {
    const server = createServer((request, response) => {
      const file = { 'content-length': '100000', etag: '"x"' };
      request.resume().on('end', () => response.writeHead(200, file).end(Buffer.alloc(100_000)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = { hostname: '127.0.0.1', port: String((server.address() as AddressInfo).port) };
    const brokenAfter = async (bytes: number): Promise<unknown> => {
      const wire = new Wire(target);
      await wire.open();
      wire.resetAfter(bytes);
      const storage = await openBucket(urlOf(wire.port), account);
      const [answer] = await Promise.allSettled([
        storage.get(key).then((file) => file && bytesOf(file.content)),
        storage.get(key),
        storage.put(key, Buffer.alloc(1_000_000), { limit: 1_000_000 }),
      ]);
      await storage.close();
      await wire.close();
      return answer;
    };
    const answers = await Promise.all([0, 1, 15, 30, 60, 1_000, 30_000].map(brokenAfter));
    server.closeAllConnections();
    server.close();
    const unavailable = { status: 'rejected', reason: expect.objectContaining({ code: 'service_unavailable' }) };
    expect(answers).toEqual(answers.map(() => unavailable));
  });

  it.each([
    ['is unavailable', 503, 'service_unavailable'],
    ['is unavailable', 500, 'service_unavailable'],
    [
      'is neither unavailable nor without the file, but refuses',
      403,
      expect.stringMatching(/^(?!service_unavailable)./),
    ],
  ])('%s when it answers %i', async (_how, status, code: unknown) => {
    const server: Server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const storage = await openBucket(urlOf((server.address() as AddressInfo).port), account);
    const [codes] = await outcomes(storage);
    server.closeAllConnections();
    server.close();
    expect(codes).toEqual(Array(4).fill(code));
  });

  describe('in the middle of a file', () => {
    let server: Server;
    let storage: Storage;
    let answer: ServerResponse | undefined;
    beforeEach(async () => {
      server = createServer((_request, response) => {
        answer = response.writeHead(200, { 'content-length': '100000', etag: '"x"' });
        response.write(Buffer.alloc(1_000));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      storage = await openBucket(urlOf((server.address() as AddressInfo).port), account);
    });
    afterEach(async () => {
      await storage.close();
      server.closeAllConnections();
      server.close();
    });

    it('is unavailable when it breaks off', async () => {
      const file = await storage.get(key);
      const read = bytesOf(file?.content ?? []);
      answer?.destroy();
      await expect(read).rejects.toMatchObject({ code: 'service_unavailable' });
    });

    it('is unavailable when it stalls', async () => {
      const file = await storage.get(key);
      await expect(bytesOf(file?.content ?? [])).rejects.toMatchObject({
        code: 'service_unavailable',
        cause: { name: 'TimeoutError' },
      });
    });

    it('is left in peace by who wants no more of it, even before the first byte', async () => {
      const file = await storage.get(key);
      const left = once(answer as ServerResponse, 'close');
      file?.content.destroy();
      await left;
    });
  });

  describe('although it is there', () => {
    let server: TestS3;
    beforeAll(async () => {
      server = await startS3();
    });
    afterAll(() => server?.stop());

    it('names what is wrong with the key', async () => {
      const storage = await openBucket(server.url, { ...account, secretAccessKey: 'wrong' });
      const [codes] = await outcomes(storage);
      expect(codes[1]).toBe('SignatureDoesNotMatch');
      expect(codes).toEqual(Array(4).fill(expect.stringMatching(/^(?!service_unavailable)./)));
    });

    it('names a bucket that is missing, which is not a missing file', async () => {
      const storage = await openBucket(server.url.replace('puerta-test', 'puerta-none'), account);
      await expect(storage.get(key)).rejects.toMatchObject({ name: 'NoSuchBucket' });
      await storage.close();
    });
  });
});

it.each([
  ['s3://puerta-files?region=eu-central-1', 'https://puerta-files.s3.eu-central-1.amazonaws.com'],
  ['s3://puerta-files?region=eu-central-1&forcePathStyle=true', 'https://s3.eu-central-1.amazonaws.com'],
  ['s3://puerta-files?endpoint=https://files.example.com', 'https://files.example.com'],
  ['s3://puerta-files?endpoint=http://files.test:9000&forcePathStyle=false', 'http://puerta-files.files.test:9000'],
])('signs addresses where the bucket is: %s', async (url, origin) => {
  const storage = await openBucket(url, account);
  expect(new URL(await storage.signedUrl(key)).origin).toBe(origin);
  expect(storageOrigin(storageUrl('A bucket').parse(url), 'https://puerta.example.com')).toBe(origin);
  await storage.close();
});
