import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Sealer } from '@puerta/messaging';
import { bytesOf, PUBLIC_URL, startFolder, temporaryRoot, testKeys } from '../../test/backends';
import { newFileKey } from '../file-key';
import { FileAddresses } from './file-address';
import { FolderStorage } from './folder-storage';

type Folder = Awaited<ReturnType<typeof startFolder>>;

const HOUR_MS = 60 * 60 * 1_000;

describe('files in a folder', () => {
  let folder: Folder;
  let storage: FolderStorage;
  beforeAll(async () => {
    folder = await startFolder();
    storage = folder.storage;
  });
  afterAll(() => folder?.stop());

  const pathOf = (key: string): string => join(storage.root, key);
  const put = (key: string, text: string): Promise<number> => storage.put(key, Buffer.from(text), { limit: 1_000_000 });
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('can be read by their owner alone', async () => {
    const key = newFileKey('photos', randomUUID(), 'image/png');
    await put(key, 'x');
    expect(modeOf(pathOf(key))).toBe('600');
    expect([dirname(pathOf(key)), dirname(dirname(pathOf(key)))].map(modeOf)).toEqual(['700', '700']);
    expect(modeOf(join(storage.root, 'incoming'))).toBe('700');
  });

  it('are seen whole by whoever reads while they are replaced', async () => {
    const key = newFileKey('photos', randomUUID(), 'image/png');
    const texts = ['a'.repeat(300_000), 'b'.repeat(200_000)];
    await put(key, texts[0] ?? '');
    const reads = Array.from({ length: 50 }, async (_, i) => {
      if (i % 5 === 0) await put(key, texts[i % 2] ?? '');
      const file = await storage.get(key);
      return file && (await bytesOf(file.content)).toString();
    });
    for (const text of await Promise.all(reads)) expect(texts.includes(text ?? '')).toBe(true);
  });

  it('leave nothing behind when one could not be written', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000);
      throw new Error('no');
    }
    const key = newFileKey('photos', randomUUID(), 'image/png');
    await expect(storage.put(key, broken(), { limit: 1_000_000 })).rejects.toThrow('no');
    expect(readdirSync(join(storage.root, 'incoming'))).toEqual([]);
    expect(existsSync(dirname(pathOf(key)))).toBe(false);
  });

  it('are not looked for behind symbolic links', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'puerta-elsewhere-'));
    const linked = newFileKey('photos', randomUUID(), 'image/png');
    await writeFile(join(elsewhere, linked.slice(-40)), 'secret');
    await mkdir(dirname(dirname(pathOf(linked))), { recursive: true });
    await symlink(elsewhere, dirname(pathOf(linked)));
    expect(await storage.get(linked)).toBeUndefined();
    expect(await storage.head(linked)).toBeUndefined();
    await storage.delete(linked);
    await expect(put(linked, 'x')).rejects.toThrow('symbolic link');
    expect(readdirSync(elsewhere)).toEqual([linked.slice(-40)]);

    const file = newFileKey('photos', randomUUID(), 'image/png');
    await mkdir(dirname(pathOf(file)), { recursive: true });
    await symlink(join(elsewhere, linked.slice(-40)), pathOf(file));
    await expect(storage.get(file)).rejects.toMatchObject({ code: 'ELOOP' });
    await put(file, 'ours');
    expect(await storage.head(file)).toMatchObject({ size: 4 });
    expect(statSync(join(elsewhere, linked.slice(-40))).size).toBe(6);
  });
});

it('removes what died half-written and uploads that nobody took on, and nothing else', async () => {
  const path = await temporaryRoot();
  const options = { path, publicUrl: PUBLIC_URL, addresses: new FileAddresses(new Sealer(testKeys())) };
  const company = randomUUID();
  const first = await FolderStorage.open(options);
  const old = [
    newFileKey('uploads', company, 'image/png'),
    newFileKey('photos', company, 'image/png'),
    `incoming/${randomUUID()}`,
  ];
  const young = [newFileKey('uploads', company, 'image/png'), `incoming/${randomUUID()}`];
  await first.put(old[1] ?? '', Buffer.from('x'), { limit: 1 });
  await first.put(young[0] ?? '', Buffer.from('x'), { limit: 1 });
  for (const file of [old[0], old[2], young[1]]) await writeFile(join(path, file ?? ''), 'x');
  const longAgo = new Date(Date.now() - 25 * HOUR_MS);
  for (const file of old) await utimes(join(path, file), longAgo, longAgo);
  await first.close();

  const second = await FolderStorage.open(options);
  await second.close();
  expect(old.map((file) => existsSync(join(path, file)))).toEqual([false, true, false]);
  expect(young.map((file) => existsSync(join(path, file)))).toEqual([true, true]);
});
