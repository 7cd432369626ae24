import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyring, type Keyring, storageUrl } from '@puerta/config';
import { Sealer } from '@puerta/messaging';
import { startS3 } from '@puerta/testing';
import { FileAddresses } from '../src/folder/file-address';
import { FolderStorage } from '../src/folder/folder-storage';
import { S3Storage } from '../src/s3/s3-storage';
import type { Storage } from '../src/storage';

export const PUBLIC_URL = 'https://puerta.example.com';

export interface Backend {
  readonly storage: Storage;
  stop(): Promise<void>;
}

export function testKeys(): Keyring {
  return keyring('Seals').parse(`k1:${randomBytes(32).toString('base64')}`);
}

export async function temporaryRoot(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'puerta-files-'));
}

export async function startFolder(): Promise<Backend & { readonly storage: FolderStorage }> {
  const path = await temporaryRoot();
  const addresses = new FileAddresses(new Sealer(testKeys()));
  const storage = await FolderStorage.open({ path, publicUrl: PUBLIC_URL, addresses });
  return {
    storage,
    stop: async () => {
      await storage.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}

export async function startBucket(): Promise<Backend> {
  const server = await startS3();
  const storage = await openBucket(server.url, server);
  return {
    storage,
    stop: async () => {
      await storage.close();
      await server.stop();
    },
  };
}

export function openBucket(
  url: string,
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
): Promise<S3Storage> {
  const place = storageUrl('A bucket').parse(url);
  if (place.kind !== 's3') throw new Error('not a bucket');
  return S3Storage.open({ place, credentials: { accessKeyId, secretAccessKey } });
}

/** Everything that a stream gives. */
export async function bytesOf(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
