import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { BucketPlace } from '@puerta/config';
import { DomainError } from '@puerta/contracts/core';
import { disposition } from '../disposition';
import { fileName } from '../file-key';
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
import { asDomainError, asLast, isMissing } from './s3-errors';
import { loadSdk, type Sdk } from './sdk';

export interface S3StorageOptions {
  readonly place: BucketPlace;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const CONNECT_MS = 1_000;
/** A connection on which nothing moves for so long is dead. */
const IDLE_MS = 3_000;
/** For what is answered without a body. */
const ANSWER_MS = 5_000;
const ATTEMPTS = 3;
/**
 * Later than this nothing is tried again: whoever asks has 10 s, of which an attempt that meets silence takes `IDLE_MS`.
 * An attempt that flows may take longer.
 */
const AGAIN_MS = 2_500;

/** What is sent in one piece, and what a larger file is cut into: the least that S3 takes. Held in memory meanwhile. */
const PART_BYTES = 5 * 1_024 * 1_024;

/** Files in a bucket of S3, or of anything that speaks its protocol. */
export class S3Storage implements Storage {
  private constructor(
    private readonly sdk: Sdk,
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  /** Asks nobody: that the bucket is away now must not keep a service from starting. */
  static async open({ place, credentials }: S3StorageOptions): Promise<S3Storage> {
    const sdk = await loadSdk();
    const client = new sdk.S3Client({
      region: place.region,
      ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
      forcePathStyle: place.forcePathStyle,
      credentials,
      maxAttempts: ATTEMPTS,
      // Checksums beyond those of the protocol are Amazon's own: others refuse them.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
    });
    client.middlewareStack.add(soon, { name: 'soon', step: 'finalizeRequest', priority: 'low' });
    return new S3Storage(sdk, client, place.bucket);
  }

  async put(key: string, content: Content, { limit }: PutOptions): Promise<number> {
    const limited = new Limited(content, limit);
    const { contentType: ContentType } = fileName(key);
    const Body = Readable.from(limited, { objectMode: false });
    const upload = new this.sdk.Upload({
      client: this.client,
      params: { ...this.#object(key), Body, ContentType },
      partSize: PART_BYTES,
      queueSize: 1,
    });
    return this.#ask(async () => {
      await upload.done().catch((error: unknown) => {
        throw limited.failure ?? error;
      });
      return limited.size;
    });
  }

  async get(key: string): Promise<StoredFile | undefined> {
    const command = new this.sdk.GetObjectCommand(this.#object(key));
    return this.#find(async () => {
      // The time is for the answer to begin; the body may take longer, as long as it flows.
      const { Body, ...facts } = await within((abortSignal) => this.client.send(command, { abortSignal }));
      return { ...factsOf(facts, key), content: contentOf(Body as Readable) };
    });
  }

  async head(key: string): Promise<FileFacts | undefined> {
    const command = new this.sdk.HeadObjectCommand(this.#object(key));
    return this.#find(async () => {
      const facts = await within((abortSignal) => this.client.send(command, { abortSignal }));
      return factsOf(facts, key);
    });
  }

  async delete(key: string): Promise<void> {
    const command = new this.sdk.DeleteObjectCommand(this.#object(key));
    await this.#ask(() => within((abortSignal) => this.client.send(command, { abortSignal })));
  }

  async signedUrl(key: string, { expiresIn = SIGNED_URL_SECONDS, fileName: saveAs }: SignedUrlOptions = {}) {
    const command = new this.sdk.GetObjectCommand({
      ...this.#object(key),
      ResponseContentType: fileName(key).contentType,
      ResponseContentDisposition: disposition(saveAs),
      ResponseCacheControl: 'private, no-store',
    });
    return this.sdk.getSignedUrl(this.client, command, { expiresIn });
  }

  async close(): Promise<void> {
    this.client.destroy();
  }

  /** @throws TypeError for what is no key */
  #object(key: string): { Bucket: string; Key: string } {
    fileName(key);
    return { Bucket: this.bucket, Key: key };
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw asDomainError(error);
    }
  }

  #find<T>(question: () => Promise<T>): Promise<T | undefined> {
    return this.#ask(() =>
      question().catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      }),
    );
  }
}

/** Called for each question; what it gives is, for each attempt. */
function soon<Args, Answer>(attempt: (args: Args) => Promise<Answer>): (args: Args) => Promise<Answer> {
  const began = performance.now();
  return async (args) => {
    try {
      return await attempt(args);
    } catch (error) {
      throw performance.now() - began < AGAIN_MS ? error : asLast(error);
    }
  };
}

/** Whatever is tried again meanwhile, an answer comes in time or not at all. */
async function within<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ANSWER_MS);
  try {
    return await question(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The body of an answer. One that breaks off on its way says that the place is away. */
function contentOf(body: Readable): Readable {
  const content = Readable.from(unbroken(body), { objectMode: false });
  // Also when nobody has begun to read it.
  return content.once('close', () => body.destroy());
}

async function* unbroken(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new DomainError('service_unavailable', { cause });
  }
}

interface ObjectFacts {
  readonly ContentLength?: number;
  readonly ETag?: string;
}

function factsOf({ ContentLength = 0, ETag = '""' }: ObjectFacts, key: string): FileFacts {
  return { size: ContentLength, contentType: fileName(key).contentType, etag: ETag };
}
