import type { OwnRoute } from '../../routes/routes';

/** What is asked of the gateway's own routes. */
export type OwnPath = Pick<OwnRoute, 'method' | 'pattern'>;

/**
 * Puerta's own route that a prefix would cover, or that covers it: whoever reads an address must know who answers. Letters
 * count as equal in either case, for people take them so.
 */
export function overlapping(prefix: string, own: readonly OwnPath[]): OwnPath | undefined {
  const given = segmentsOf(prefix);
  return own.find(({ pattern }) => {
    const route = segmentsOf(pattern);
    // `/` has no segments: it is one page, and nothing below it is its own.
    return route.length > 0 && route.slice(0, given.length).every((part, at) => isSame(part, given[at]));
  });
}

function isSame(part: string, given: string | undefined): boolean {
  return given === undefined || part.startsWith(':') || part === '*' || part === given;
}

function segmentsOf(path: string): string[] {
  return path.toLowerCase().split('/').filter(Boolean);
}
