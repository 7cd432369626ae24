import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Some two hundred routes with all their fields; a text of this length is judged in less than a second, whatever it says. */
export const MAX_FILE_BYTES = 65_536;

/** @returns the text of a file, or what keeps it from being one, in words */
export function readTextFile(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    const bytes = readBytes(path);
    if (bytes === undefined) return { problem: 'is no file' };
    if (bytes.length > MAX_FILE_BYTES) return { problem: `is larger than ${MAX_FILE_BYTES / 1_024} KiB` };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    return { problem: code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8' : `cannot be read (${code})` };
  }
}

/** Never more than one byte above the limit: a file may grow while it is read. Undefined for pipes, devices and folders. */
function readBytes(path: string): Buffer | undefined {
  // A pipe that nobody writes to would keep us here for ever.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
