import type { Sealer } from '@puerta/messaging';
import { type FileName, readFileKey } from '../file-key';

/** Below `PUBLIC_URL`; the gateway serves it. */
export const FILES_PATH = '/files';

/** A file that may be fetched until a time. */
export interface Grant {
  readonly key: string;
  /** In seconds since 1970. */
  readonly expiresAt: number;
  readonly fileName?: string | undefined;
}

export interface OpenedGrant extends Grant {
  readonly name: FileName;
}

/** What is sealed for this purpose opens for no other. */
const CONTEXT = 'puerta file 1';

/** Longer than any that we make. */
const MOST_CHARACTERS = 1_024;

/** Makes addresses of files in a folder, and reads them. They are sealed: nobody sees whose file it is or alters it. */
export class FileAddresses {
  constructor(
    private readonly sealer: Sealer,
    private readonly now: () => number = Date.now,
  ) {}

  /** @returns a word for an address */
  token({ key, expiresAt, fileName }: Grant): string {
    return this.sealer.seal(JSON.stringify([key, expiresAt, fileName ?? null]), CONTEXT);
  }

  /** @returns what the word grants; undefined when it was not made by us, was altered, or has expired */
  open(token: string): OpenedGrant | undefined {
    const text = token.length > MOST_CHARACTERS ? undefined : this.sealer.open(token, CONTEXT);
    if (text === undefined) return undefined;
    const [key, expiresAt, fileName] = JSON.parse(text) as [string, number, string | null];
    const name = readFileKey(key);
    if (!name || expiresAt * 1_000 <= this.now()) return undefined;
    return { key, name, expiresAt, fileName: fileName ?? undefined };
  }
}
