/**
 * The headers that routes read and that a page may set: those of which a browser asks first whether it may send them, and
 * those that it sends to anybody. A test sends a request to each route and fails for one that is read and not here.
 */
export const READ_HEADERS = [
  'Accept',
  'Accept-Language',
  'Authorization',
  'Content-Encoding',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'X-Request-ID',
  'traceparent',
  'tracestate',
] as const;

/** The headers of answers that a page of another origin may read: all that are described, and those of files. */
export const EXPOSED_HEADERS = [
  'Allow',
  'Content-Disposition',
  'Content-Language',
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'WWW-Authenticate',
  'X-Request-ID',
] as const;
