import { DomainError } from '@puerta/contracts/core';
import { pathOf } from '../request/paths';
import { isBelow } from '../routes/proxy-route';

/** The paths of a route, as far as its prefix decides. */
export interface PathRule {
  readonly prefix: string;
  readonly encodedSlashes: boolean;
}

/** A path in which nothing can be read in two ways. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+)+\/?$/;

/** What a path is, whoever reads it: visible ASCII, no backslash, no fragment. */
const VISIBLE = /^[\x21\x22\x24-\x5b\x5d-\x7e]*$/;
const ESCAPES = /%(?![0-9a-f]{2})|%2e|%[01][0-9a-f]|%7f/i;
const SLASHES = /%2f|%5c/i;

/** For {@link checkPath}, worked out once: all rules where some are for parts of this one, else none. */
export function rivalsOf(route: PathRule, all: readonly PathRule[]): readonly PathRule[] {
  return all.some((other) => other !== route && isBelow(other.prefix, route.prefix)) ? all : [];
}

/**
 * Refuses a path that the service behind could read in another way than the router did, and so take for one that a
 * different guard protects. What passes is forwarded byte for byte.
 *
 * @param url the target of the request, as it came
 * @param route which the router chose
 * @param rivals see {@link rivalsOf}
 * @throws DomainError `path_ambiguous`
 */
export function checkPath(url: string, route: PathRule, rivals: readonly PathRule[]): void {
  const path = pathOf(url);
  if (!isBelow(path, route.prefix) || url.includes('#')) throw new DomainError('path_ambiguous');
  const nested = rivals.length > 0;
  if (PLAIN.test(path) && !nested) return;
  if (!VISIBLE.test(path) || ESCAPES.test(path) || path.includes('//')) throw new DomainError('path_ambiguous');
  if (SLASHES.test(path) && !route.encodedSlashes) throw new DomainError('path_ambiguous');
  const read = asRead(path);
  if (read.split('/').some((segment) => /^\.{1,2} *$/.test(segment))) throw new DomainError('path_ambiguous');
  if (nested && ownerOf(read, rivals) !== route) throw new DomainError('path_ambiguous');
}

/**
 * The path as the most willing of servers would read it: decoded, without parameters (`/..;x/` is `/../` to some), without
 * what Windows drops at the end of a name, and in small letters, of which those that look alike are one.
 */
function asRead(path: string): string {
  const decoded = decodedOnce(path).normalize('NFKC').toUpperCase().toLowerCase();
  // Who decodes again reads something else.
  if (/%[0-9a-f]{2}/.test(decoded)) throw new DomainError('path_ambiguous');
  return decoded
    .replace(/\\/g, '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
    .replace(/(?<=[^/. ])[. ]+(?=\/|$)/g, '');
}

function decodedOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new DomainError('path_ambiguous');
  }
}

/** Prefixes do not change, and there may be hundreds of them. */
const readPrefixes = new WeakMap<PathRule, string>();

function readPrefixOf(rule: PathRule): string {
  let read = readPrefixes.get(rule);
  if (read === undefined) readPrefixes.set(rule, (read = asRead(rule.prefix)));
  return read;
}

function ownerOf(read: string, all: readonly PathRule[]): PathRule | undefined {
  const owners = all.filter((rule) => isBelow(read, readPrefixOf(rule)));
  return owners.sort((one, other) => other.prefix.length - one.prefix.length)[0];
}
