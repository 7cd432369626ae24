import type { Readable } from 'node:stream';

/** What is known of a file without reading it. */
export interface FileFacts {
  /** In bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Changes with the content; as HTTP writes it, in quotes. */
  readonly etag: string;
}

export interface StoredFile extends FileFacts {
  /** Must be read to its end or destroyed. */
  readonly content: Readable;
}

export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutOptions {
  /** Most bytes that are taken. */
  readonly limit: number;
}

export interface SignedUrlOptions {
  /** Seconds for which the URL is good. */
  readonly expiresIn?: number;
  /** What a browser that saves the file calls it: letters, digits, dots, dashes and underscores. */
  readonly fileName?: string;
}

/** How long a signed URL is good unless told: as long as a scanned card is shown. */
export const SIGNED_URL_SECONDS = 120;

/**
 * Keeps what is too large for the bus; its key travels instead. Keys are made by `newFileKey`, and their ending says
 * the content type. A file is there whole or not at all. All methods throw DomainError `service_unavailable` when the
 * place cannot be reached or is full, in time; whatever else goes wrong (access denied, say) is for the log.
 */
export interface Storage {
  /**
   * Stores a file, in place of the one of this key if there is one.
   *
   * @returns its size
   * @throws DomainError `payload_too_large`, having stored nothing; what `content` throws, likewise
   */
  put(key: string, content: Content, options: PutOptions): Promise<number>;

  /** @returns undefined when there is none */
  get(key: string): Promise<StoredFile | undefined>;

  /** @returns undefined when there is none */
  head(key: string): Promise<FileFacts | undefined>;

  /** Does nothing when there is none. */
  delete(key: string): Promise<void>;

  /** An address that gives the file to whoever has it, for a while; also when there is none, or none any more. */
  signedUrl(key: string, options?: SignedUrlOptions): Promise<string>;

  /** Lets go of connections and timers. */
  close(): Promise<void>;
}
