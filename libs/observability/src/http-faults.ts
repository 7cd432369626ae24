import type { IncomingMessage } from 'node:http';

/** Browsers and proxies send some 30. */
export const MAX_HEADERS = 100;

/** Why a request is refused by what it says of itself: codes of the closed list of errors. */
export type HttpFault =
  'http_version_not_supported' | 'headers_too_large' | 'transfer_coding_not_supported' | 'bad_request';

/** Chunks of what is compressed for the transfer (RFC 9112 7.2). */
const COMPRESSED = /^(?:(?:x-)?(?:gzip|compress)|deflate)\s*,\s*chunked$/i;

/** A name or an address, and perhaps a port. Services behind make addresses of it, and pages may show it. */
const HOST = /^(?:[\w.-]*|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

const FAULTS = new WeakMap<IncomingMessage, HttpFault>();

/** What was found wrong with the framing of a request. The connection must be closed after the answer. */
export function httpFaultOf(request: IncomingMessage): HttpFault | undefined {
  return FAULTS.get(request);
}

/** Looks once, when a request comes, whether its framing has a fault, for {@link httpFaultOf} to tell. */
export function findHttpFault(request: IncomingMessage): boolean {
  const fault = faultIn(request);
  if (fault) FAULTS.set(request, fault);
  return fault !== undefined;
}

/**
 * Of what Node's parser lets pass: anything that a proxy before us may read in another way, and so see other requests
 * than we do.
 */
function faultIn(request: IncomingMessage): HttpFault | undefined {
  const { httpVersion, rawHeaders, headers, url = '' } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'http_version_not_supported';
  if (rawHeaders.length / 2 > MAX_HEADERS) return 'headers_too_large';
  const coding = headers['transfer-encoding'];
  // RFC 9112 6.1: HTTP/1.0 has no codings, and one that we do not understand leaves the length of the body unknown.
  if (coding !== undefined && (httpVersion === '1.0' || coding.toLowerCase() !== 'chunked')) {
    // RFC 9112 6.1: a coding that exists, and that we do not have.
    return httpVersion === '1.1' && COMPRESSED.test(coding) ? 'transfer_coding_not_supported' : 'bad_request';
  }
  // RFC 9112 3.2: one Host, which is one; a proxy may have judged by another.
  if (hostsIn(rawHeaders) !== 1 || !HOST.test(headers.host ?? '')) return 'bad_request';
  // RFC 9112 3.2.2: a target with a host of its own; one that differs is what a proxy may have judged by.
  const ownHost = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  return ownHost === undefined || ownHost === headers.host ? undefined : 'bad_request';
}

/** @param rawHeaders names and values in turn */
function hostsIn(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
