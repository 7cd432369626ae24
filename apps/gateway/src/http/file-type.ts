import type { FileType } from '@puerta/storage';

/** So many bytes tell. */
export const TELLING_BYTES = 12;

/**
 * What kind of file begins so. Whether the rest is one is for who reads it.
 *
 * @returns undefined for all but the types that we keep
 */
export function fileTypeOf(beginning: Buffer): FileType | undefined {
  const has = (bytes: string, at = 0): boolean => beginning.toString('latin1', at, at + bytes.length) === bytes;
  if (has('\xff\xd8\xff')) return 'image/jpeg';
  if (has('\x89PNG\r\n\x1a\n')) return 'image/png';
  return has('RIFF') && has('WEBP', 8) ? 'image/webp' : undefined;
}
