import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';
import type { Surface } from '../routes/route-options';

type Headers = Readonly<Record<string, string>>;

const POLICIES: Record<Surface, Record<string, string[]>> = {
  // Data is never a document. Should a browser show it as one, nothing in it runs and nobody frames it.
  api: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"], 'form-action': ["'none'"] },
  // Swagger UI draws its icons from data: addresses and styles some elements in place.
  docs: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
  },
  page: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    // And photos: see `pictures`.
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'require-trusted-types-for': ["'script'"],
  },
};

export interface SecurityOptions {
  /** Whether people reach the gateway by https: only then may a browser be told to insist on it. */
  readonly overTls: boolean;
  /** Origins of the photos that pages show. */
  readonly pictures: readonly string[];
}

/**
 * The security headers of every answer. Helmet writes them once, at start: they do not depend on the request, and
 * answers that leave before any hook runs (bad URLs, broken HTTP) carry them too.
 */
export function securityHeaders({ overTls, pictures }: SecurityOptions): Readonly<Record<Surface, Headers>> {
  const of = (surface: Surface, images: readonly string[] = []): Headers =>
    written({
      contentSecurityPolicy: { useDefaults: false, directives: withImages(POLICIES[surface], images) },
      strictTransportSecurity: overTls ? { maxAge: 31_536_000, includeSubDomains: false } : false,
      referrerPolicy: { policy: 'no-referrer' },
      frameguard: { action: 'deny' },
    });
  return { api: of('api'), docs: of('docs'), page: of('page', pictures) };
}

function withImages(policy: Record<string, string[]>, origins: readonly string[]): Record<string, string[]> {
  const images = policy['img-src'];
  return images ? { ...policy, 'img-src': [...images, ...origins] } : policy;
}

function written(options: HelmetOptions): Headers {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
    removeHeader: () => undefined,
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, (error?: unknown) => {
    if (error) throw error;
  });
  return headers;
}
