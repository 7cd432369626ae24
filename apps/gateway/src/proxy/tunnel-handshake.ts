import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { DomainError } from '@puerta/contracts/core';
import { type Upgrade, upgradeOf } from '@puerta/observability';

/** Browsers let scripts say protocols, and no header: a token may stand among them. */
const BEARER = 'puerta.bearer.';

/** RFC 6455 1.3: what shows that a server has read a handshake, and not merely sent something. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A WebSocket handshake, as far as the gateway has a say in it. */
export interface Handshake extends Upgrade {
  /** Which protocols the service may choose from, in the order of the client. */
  readonly protocols: readonly string[];
  /** Those that were a token. */
  readonly bearers: readonly string[];
}

const handshakes = new WeakMap<IncomingMessage, Handshake>();

/** What {@link readHandshake} has found; undefined of other requests. */
export function handshakeOf(request: IncomingMessage): Handshake | undefined {
  return handshakes.get(request);
}

/**
 * Makes a token among the protocols the `Authorization` that it stands for, before anybody looks at the request: so it is
 * read by who reads all others, and with another one beside it there are two, which is refused.
 */
export function readHandshake(request: IncomingMessage): void {
  const upgrade = upgradeOf(request);
  if (!upgrade) return;
  const all = listIn(request.headers['sec-websocket-protocol']);
  const bearers = all.filter((name) => name.startsWith(BEARER));
  for (const bearer of bearers) request.rawHeaders.push('Authorization', authorizationOf(bearer));
  handshakes.set(request, { ...upgrade, bearers, protocols: all.filter((name) => !name.startsWith(BEARER)) });
}

/**
 * @param origins whose pages may open WebSockets: those are not covered by CORS, so a page of anybody's could
 * @throws DomainError `origin_not_allowed`; `bad_request` where the client did not wait for its answer
 */
export function checkHandshake({ headers }: IncomingMessage, { head }: Handshake, origins: ReadonlySet<string>): void {
  if (headers.origin !== undefined && !origins.has(headers.origin)) throw new DomainError('origin_not_allowed');
  if (head.length > 0) throw new DomainError('bad_request');
}

/**
 * @param headers names and values in turn, as of any request
 * @returns the same without tokens that stood among the protocols
 */
export function withoutBearers(headers: readonly string[], { bearers, protocols }: Handshake): string[] {
  const tokens = new Set(bearers.map(authorizationOf));
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    if (isProtocol(name) || (tokens.has(value) && name.toLowerCase() === 'authorization')) continue;
    kept.push(name, value);
  }
  if (protocols.length > 0) kept.push('Sec-WebSocket-Protocol', protocols.join(', '));
  return kept;
}

/**
 * The headers of the answer that opens a tunnel.
 *
 * @param headers of an upstream's answer, as clients get them, names and values in turn
 * @returns undefined if that is not the answer to this handshake
 */
export function acceptance(
  { headers: asked }: IncomingMessage,
  { bearers, protocols }: Handshake,
  headers: readonly string[],
): string[] | undefined {
  const key = asked['sec-websocket-key'] ?? '';
  if (valuesOf(headers, 'sec-websocket-accept').join() !== acceptOf(key)) return undefined;
  const [chosen, ...more] = valuesOf(headers, 'sec-websocket-protocol');
  if (more.length > 0 || (chosen !== undefined && !protocols.includes(chosen))) return undefined;
  // A client that asked for protocols, and is told of none of them, gives up (WebSockets standard, "establish a connection").
  const named = chosen ?? (protocols.length === 0 ? bearers[0] : undefined);
  const rest = headers.filter((_, i) => !isProtocol(headers[i - (i % 2)] as string));
  const answer = ['Connection', 'Upgrade', 'Upgrade', 'websocket', ...rest];
  return named === undefined ? answer : [...answer, 'Sec-WebSocket-Protocol', named];
}

function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64');
}

function authorizationOf(bearer: string): string {
  return `Bearer ${bearer.slice(BEARER.length)}`;
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && (headers[i - 1] as string).toLowerCase() === name);
}

function isProtocol(name: string): boolean {
  return name.toLowerCase() === 'sec-websocket-protocol';
}

function listIn(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
