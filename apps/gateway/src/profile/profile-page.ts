import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The document of the built-in page that shows a scanned card. */
export const PROFILE_DOCUMENT = readFileSync(join(__dirname, 'page', 'profile.html'), 'utf8');

const NO_PASS = '<meta name="scan-pass" content="">';

/** The same with a scan pass in it. @throws Error for what could say more than a pass. */
export function profileDocumentWith(pass: string): string {
  if (!/^[\w.-]+$/.test(pass)) throw new Error('a scan pass is base64url and dots');
  return PROFILE_DOCUMENT.replace(NO_PASS, NO_PASS.replace('""', `"${pass}"`));
}
