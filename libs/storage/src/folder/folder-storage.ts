import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { disposition } from '../disposition';
import { type FileKind, fileName } from '../file-key';
import { Limited } from '../limited';
import {
  type Content,
  type FileFacts,
  type PutOptions,
  SIGNED_URL_SECONDS,
  type SignedUrlOptions,
  type Storage,
  type StoredFile,
} from '../storage';
import { type FileAddresses, FILES_PATH } from './file-address';
import { asDomainError, isMissing } from './file-errors';

/** Files that are being written. On the same file system as the others: a rename must not copy. */
const INCOMING = 'incoming';

const HOUR_MS = 60 * 60 * 1_000;

/** Nobody writes one file for so long: whoever began it has died. */
const MOST_WRITING_MS = HOUR_MS;

/** What was uploaded is taken on within seconds: whoever was to do it has died. A bucket has a rule for this. */
const MOST_UPLOADED_MS = 24 * HOUR_MS;

export interface FolderStorageOptions {
  readonly path: string;
  /** Of the gateway, which serves the files. */
  readonly publicUrl: string;
  readonly addresses: FileAddresses;
}

/**
 * Files in a folder, for one host. Only their owner may read them. A file is written beside, brought to the disk and
 * then renamed to its place, so that readers see it whole or not at all, also after a power cut.
 */
export class FolderStorage implements Storage {
  readonly #logger = new Logger('FolderStorage');
  readonly #cleaning: NodeJS.Timeout;

  private constructor(
    /** Without symbolic links in it. */
    readonly root: string,
    private readonly options: FolderStorageOptions,
  ) {
    const failed = (error: unknown): void => this.#logger.warn('left-over files could not be removed', error);
    this.#cleaning = setInterval(() => void this.#clean().catch(failed), HOUR_MS).unref();
  }

  /** Makes the folder if there is none, and removes what unfinished writers left. */
  static async open(options: FolderStorageOptions): Promise<FolderStorage> {
    await mkdir(join(options.path, INCOMING), { recursive: true, mode: 0o700 });
    const storage = new FolderStorage(await realpath(options.path), options);
    await storage.#clean();
    return storage;
  }

  async put(key: string, content: Content, { limit }: PutOptions): Promise<number> {
    const path = this.#path(key);
    const unfinished = join(this.root, INCOMING, randomUUID());
    try {
      const size = await writeWhole(unfinished, new Limited(content, limit));
      await this.#makeFolder(dirname(path));
      await rename(unfinished, path);
      await syncFolder(dirname(path));
      return size;
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw asDomainError(error);
    }
  }

  async get(key: string): Promise<StoredFile | undefined> {
    const file = await this.#open(key);
    if (!file) return undefined;
    const facts = await factsOf(file, key).catch(async (error: unknown) => {
      await file.close();
      throw asDomainError(error);
    });
    return { ...facts, content: file.createReadStream() };
  }

  async head(key: string): Promise<FileFacts | undefined> {
    const file = await this.#open(key);
    try {
      return file && (await factsOf(file, key));
    } catch (error) {
      throw asDomainError(error);
    } finally {
      await file?.close();
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      if (await this.#isOurs(dirname(path))) await rm(path, { force: true });
    } catch (error) {
      if (!isMissing(error)) throw asDomainError(error);
    }
  }

  async signedUrl(key: string, { expiresIn = SIGNED_URL_SECONDS, fileName: saveAs }: SignedUrlOptions = {}) {
    fileName(key);
    disposition(saveAs);
    const expiresAt = Math.floor(Date.now() / 1_000) + expiresIn;
    const token = this.options.addresses.token({ key, expiresAt, fileName: saveAs });
    return `${this.options.publicUrl}${FILES_PATH}/${token}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#cleaning);
  }

  /** @throws TypeError for what is no key */
  #path(key: string): string {
    fileName(key);
    return join(this.root, key);
  }

  async #open(key: string): Promise<FileHandle | undefined> {
    const path = this.#path(key);
    try {
      if (!(await this.#isOurs(dirname(path)))) return undefined;
      return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw asDomainError(error);
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!(await this.#isOurs(folder))) throw new Error('a folder of the storage is a symbolic link');
  }

  /** Whether no part of the way to a folder is a symbolic link, which might lead out of the root. */
  async #isOurs(folder: string): Promise<boolean> {
    return (await realpath(folder)) === folder;
  }

  /** Removes what dead processes left. Files that vanish meanwhile are somebody else's work. */
  async #clean(): Promise<void> {
    await removeOlder(join(this.root, INCOMING), MOST_WRITING_MS);
    const uploads = join(this.root, 'uploads' satisfies FileKind);
    for (const company of await list(uploads)) await removeOlder(join(uploads, company), MOST_UPLOADED_MS);
  }
}

async function writeWhole(path: string, content: Limited): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    await writeFile(file, content);
    await file.sync();
    return content.size;
  } finally {
    await file.close();
  }
}

/** A name in a folder is on the disk once the folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function factsOf(file: FileHandle, key: string): Promise<FileFacts> {
  const facts = await file.stat({ bigint: true });
  if (!facts.isFile()) throw new Error('what is stored under a key is no file');
  const etag = `"${facts.size.toString(16)}-${facts.mtimeNs.toString(16)}"`;
  return { size: Number(facts.size), contentType: fileName(key).contentType, etag };
}

async function removeOlder(folder: string, ms: number): Promise<void> {
  for (const name of await list(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > ms) await rm(path, { force: true });
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw asDomainError(error);
  }
}
