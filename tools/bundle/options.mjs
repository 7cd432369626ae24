// @ts-check
import { readFileSync } from 'node:fs';
import { ABSENT, PACKAGES } from './packages.mjs';

/** A source map that maps a file to nothing. */
const NO_MAP = `//# sourceMappingURL=data:application/json;base64,${btoa('{"version":3,"sources":[""],"mappings":"AAAA"}')}`;

/**
 * Of packages: no source map (ours is read to show a stack, and theirs would be nine tenths of it), and a `require` that
 * esbuild sees where they make one for themselves. By that they ask for packages that must not be there twice.
 *
 * @type {import('esbuild').Plugin}
 */
export const packages = {
  name: 'packages',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
        .replace(/^const require = createRequire\(import\.meta\.url\);$/m, '')
        .replace(/^\/\/# sourceMappingURL=.*$/m, '');
      return { contents: `${text}\n${NO_MAP}`, loader: 'js' };
    });
  },
};

/**
 * What makes one file of an app, a function that takes the place of what Node gives to each file.
 *
 * @satisfies {import('esbuild').BuildOptions & { write: false }}
 */
export const options = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  write: false,
  sourcesContent: false,
  legalComments: 'none',
  // Names of classes are in the API's document, and decide which messages of errors are logged.
  keepNames: true,
  external: [...PACKAGES, ...ABSENT],
  // Those are `require`d too: in code that is run from a cache, import() would need a loader of its own.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__fileUrl' },
  banner: { js: '(function (require, entry, __filename, __dirname, __fileUrl) {' },
  footer: { js: '})' },
  logLevel: 'warning',
};
