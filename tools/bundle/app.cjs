// @ts-check
/* eslint-disable @typescript-eslint/no-require-imports -- as a module it would begin 16 ms later */
/**
 * Runs the bundle beside it: `node app.js [main | migrate | keys | routes] …`. Node itself keeps compiled code from 22 on; this
 * does for all versions, and shows stacks in the sources' own files without reading the source map before there is one.
 */
'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { SourceMap } = require('node:module');
const { dirname, resolve } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

const bundle = resolve(__dirname, 'app.bundle.js');
// V8 takes it only if it is its own, of the same version, with the same flags; else it compiles anew.
const cache = resolve(__dirname, 'app.cache');

// As it is from Node 21 on. Without it, pg makes a Response to find out where it runs, which costs 30 ms and 10 MB.
globalThis.navigator ??= /** @type {Navigator} */ ({ userAgent: `Node.js/${process.versions.node.split('.')[0]}` });

/** @type {SourceMap | undefined} */
let map;

/** @param {NodeJS.CallSite} frame @returns {string} */
function inSources(frame) {
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  if (frame.getFileName() !== bundle || !line || !column) return String(frame);
  map ??= new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  const found = map.findEntry(line - 1, column - 1);
  if (!('originalSource' in found)) return String(frame);
  const place = `${resolve(__dirname, found.originalSource)}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  return String(frame).replace(`${bundle}:${line}:${column}`, () => place);
}

Error.prepareStackTrace = (error, frames) =>
  [Error.prototype.toString.call(error), ...frames.map((frame) => `    at ${inSources(frame)}`)].join('\n');

/** @returns {Buffer | undefined} */
function cached() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

const script = new Script(readFileSync(bundle, 'latin1'), { filename: bundle, cachedData: cached() });
if (process.env['PUERTA_WRITE_CODE_CACHE']) process.on('exit', () => writeFileSync(cache, script.createCachedData()));
const [entry = 'main'] = process.argv.splice(2, 1);
script.runInThisContext()(require, entry, bundle, dirname(bundle), pathToFileURL(bundle).href);
