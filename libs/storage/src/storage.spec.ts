import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@puerta/contracts/core';
import { type Backend, bytesOf, startBucket, startFolder } from '../test/backends';
import { newFileKey } from './file-key';
import type { Storage } from './storage';

const MIB = 1_024 * 1_024;
const COMPANY = randomUUID();
const newKey = (): string => newFileKey('photos', COMPANY, 'image/png');

/** Gives so many bytes piece by piece, and fails after that if told to. */
async function* pieces(bytes: number, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), left % 251);
  if (failure) throw failure;
}

describe.each([
  ['a folder', startFolder],
  ['a bucket', startBucket],
])('%s', (_name, start: () => Promise<Backend>) => {
  let backend: Backend;
  let storage: Storage;
  beforeAll(async () => {
    backend = await start();
    storage = backend.storage;
  });
  afterAll(() => backend?.stop());

  const put = (key: string, content: Uint8Array | AsyncIterable<Uint8Array>, limit = 20 * MIB): Promise<number> =>
    storage.put(key, content, { limit });
  const read = async (key: string): Promise<Buffer | undefined> => {
    const file = await storage.get(key);
    return file && bytesOf(file.content);
  };
  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.catch((error: unknown) => (error instanceof DomainError ? error.code : error));

  it('gives back what was stored, with its size and type', async () => {
    const key = newFileKey('photos', COMPANY, 'image/webp');
    const content = randomBytes(100_000);
    expect(await put(key, content)).toBe(100_000);
    const file = await storage.get(key);
    expect(file).toMatchObject({ size: 100_000, contentType: 'image/webp', etag: expect.stringMatching(/^".+"$/) });
    expect(await bytesOf(file?.content ?? pieces(0))).toEqual(content);
    expect(await storage.head(key)).toEqual({ size: 100_000, contentType: 'image/webp', etag: file?.etag });
  });

  it('stores nothing at all, too', async () => {
    const key = newKey();
    expect(await put(key, Buffer.alloc(0))).toBe(0);
    expect(await read(key)).toEqual(Buffer.alloc(0));
  });

  it('stores a stream whose length nobody knows, longer than what is held in memory', async () => {
    const key = newKey();
    expect(await put(key, pieces(12 * MIB))).toBe(12 * MIB);
    expect((await read(key))?.equals(await bytesOf(pieces(12 * MIB)))).toBe(true);
  });

  it.each([
    ['in one piece', () => Buffer.alloc(MIB + 1), MIB],
    ['in a stream', () => pieces(MIB + 1), MIB],
    ['in a long stream', () => pieces(11 * MIB), 10 * MIB],
  ])('takes exactly as much as is allowed, and stores nothing of more: %s', async (_how, content, limit) => {
    const key = newKey();
    expect(await put(key, pieces(limit), limit)).toBe(limit);
    const other = newKey();
    expect(await codeOf(put(other, content(), limit))).toBe('payload_too_large');
    expect(await storage.head(other)).toBeUndefined();
  });

  it('stops reading once it is too much', async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += 65_536;
        yield Buffer.alloc(65_536);
      }
    }
    expect(await codeOf(put(newKey(), endless(), MIB))).toBe('payload_too_large');
    expect(read).toBeLessThan(2 * MIB);
  });

  it.each([1_000, 11 * MIB])('stores nothing when its source fails after %i bytes', async (bytes) => {
    const key = newKey();
    const failure = new Error('the sender has gone');
    expect(await codeOf(put(key, pieces(bytes, failure)))).toBe(failure);
    expect(await storage.head(key)).toBeUndefined();
  });

  it('keeps what was there when a later one fails', async () => {
    const key = newKey();
    await put(key, Buffer.from('first'));
    await codeOf(put(key, pieces(1_000, new Error('no'))));
    expect(await read(key)).toEqual(Buffer.from('first'));
  });

  it('replaces a file', async () => {
    const key = newKey();
    await put(key, Buffer.from('first'));
    const before = await storage.head(key);
    await put(key, Buffer.from('second'));
    expect(await read(key)).toEqual(Buffer.from('second'));
    expect((await storage.head(key))?.etag).not.toBe(before?.etag);
  });

  it('knows nothing of a file that is not there, and deletes it as often as one likes', async () => {
    const key = newKey();
    expect(await storage.get(key)).toBeUndefined();
    expect(await storage.head(key)).toBeUndefined();
    await put(key, Buffer.from('here'));
    await Promise.all([storage.delete(key), storage.delete(key)]);
    await storage.delete(key);
    expect(await storage.get(key)).toBeUndefined();
  });

  const hostile = [
    '',
    '/',
    '..',
    '../etc/passwd',
    '/etc/passwd',
    'photos',
    'photos/',
    'incoming/x',
    'folder-id',
    `photos/${COMPANY}/../../${randomUUID()}.png`,
    `photos/${COMPANY}/${randomUUID()}.png`,
    `photos/${COMPANY}/%2e%2e.png`,
    `others/${COMPANY}/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.png`,
    `photos/${COMPANY}/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.svg`,
    `photos/${COMPANY}/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.png\n`,
    `photos/${COMPANY}/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.png\0.jpg`,
    `photos/${COMPANY.toUpperCase()}X/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.png`,
    `photos/${COMPANY}/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11.png?versionId=1`,
  ];

  it.each(hostile)('refuses what is no key: %j', async (key) => {
    for (const attempt of [
      () => put(key, Buffer.from('x')),
      () => storage.get(key),
      () => storage.head(key),
      () => storage.delete(key),
      () => storage.signedUrl(key),
    ]) {
      await expect(attempt()).rejects.toThrow(TypeError);
    }
  });

  it('refuses names that would need quoting', async () => {
    const key = newKey();
    await storage.signedUrl(key, { fileName: 'photo-26-10001.png' });
    for (const fileName of ['', 'a"b', 'a\r\nb', '../x', 'ñ', 'x'.repeat(101)]) {
      await expect(storage.signedUrl(key, { fileName })).rejects.toThrow(TypeError);
    }
  });
});

describe('the address that a bucket signs', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await startBucket();
  });
  afterAll(() => backend?.stop());

  it('gives the file to whoever has it, with the headers that were signed', async () => {
    const key = newKey();
    await backend.storage.put(key, Buffer.from('a picture'), { limit: 100 });
    const url = await backend.storage.signedUrl(key, { fileName: 'photo-26-10001.png' });
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'a picture']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'inline; filename="photo-26-10001.png"',
      'cache-control': 'private, no-store',
    });
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('120');
  });

  it.each([
    ['another file', (url: URL, other: string) => (url.pathname = `/puerta-test/${other}`)],
    ['more time', (url: URL) => url.searchParams.set('X-Amz-Expires', '604800')],
    ['another type', (url: URL) => url.searchParams.set('response-content-type', 'text/html')],
    ['another signature', (url: URL) => url.searchParams.set('X-Amz-Signature', '0'.repeat(64))],
  ])('is refused when it was altered to give %s', async (_what, alter) => {
    const [key, other] = [newKey(), newKey()];
    for (const one of [key, other]) await backend.storage.put(one, Buffer.from('a picture'), { limit: 100 });
    const url = new URL(await backend.storage.signedUrl(key));
    alter(url, other);
    expect((await fetch(url)).status).toBe(403);
  });

  it('is refused for writing and deleting', async () => {
    const key = newKey();
    await backend.storage.put(key, Buffer.from('a picture'), { limit: 100 });
    const url = await backend.storage.signedUrl(key);
    expect((await fetch(url, { method: 'PUT', body: 'another' })).status).toBe(403);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
  });

  it('is refused when its time is over', async () => {
    const key = newKey();
    await backend.storage.put(key, Buffer.from('a picture'), { limit: 100 });
    const url = await backend.storage.signedUrl(key, { expiresIn: 1 });
    expect((await fetch(url)).status).toBe(200);
    await sleep(2_100);
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
  });
});
