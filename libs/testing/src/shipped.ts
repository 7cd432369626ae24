import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PACKAGES } from '../../../tools/bundle/packages.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';

const workspace = resolve(__dirname, '../../..');

/** What an image will hold: the bundles, and of all packages only those that they leave out. @returns its folder */
export function shipped(): string {
  const folder = temporaryFolder('shipped');
  cpSync(join(workspace, 'dist/bundles'), join(folder, 'dist/bundles'), { recursive: true });
  for (const name of PACKAGES) {
    const place = join(folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(workspace, 'node_modules', name), place);
  }
  return folder;
}
