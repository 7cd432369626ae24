const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The `Content-Disposition` (RFC 6266) of a file. All that we keep are pictures, which are shown in place.
 *
 * @throws TypeError when the name holds anything that would need quoting
 */
export function disposition(fileName: string | undefined): string {
  if (fileName === undefined) return 'inline';
  if (!FILE_NAME.test(fileName)) throw new TypeError('not a name for a file that is saved');
  return `inline; filename="${fileName}"`;
}
