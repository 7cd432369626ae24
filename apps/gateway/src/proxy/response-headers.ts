import { HOP_BY_HOP, isOurCookie, namedBy, remembered } from './header-names';

type Fate = 'pass' | 'drop' | 'cookie' | 'connection' | 'coding';

/** What the gateway says for the host that clients see. */
const OURS: ReadonlySet<string> = new Set([
  'x-request-id',
  'x-content-type-options',
  'strict-transport-security',
  'alt-svc',
  'ratelimit',
  'ratelimit-policy',
  // These are about all of the origin, Puerta's own pages too: what is stored for it, who answers for it, who hears of it.
  'clear-site-data',
  'service-worker-allowed',
  'nel',
  'report-to',
  // A server in front of us would send a file of its own instead.
  'x-accel-redirect',
  'x-sendfile',
]);

const NONE: ReadonlySet<string> = new Set();
const NO_LENGTH: ReadonlySet<string> = new Set(['content-length']);

const fateOf = remembered((name): Fate => {
  if (name === 'connection') return name;
  if (name === 'transfer-encoding') return 'coding';
  if (HOP_BY_HOP.has(name) || OURS.has(name) || name.startsWith('access-control-')) return 'drop';
  return name === 'set-cookie' ? 'cookie' : 'pass';
});

/**
 * The headers of an upstream's answer as the client gets them, after ours: in the order, and as often, as they came.
 *
 * @param raw names and values in turn, as undici has them: bytes, which are passed on as they are (Latin-1 has a
 *   character for each)
 * @param status of the answer
 * @param ours names and values in turn; it is added to
 * @throws Error when the body would have to be changed
 */
export function addUpstreamHeaders(raw: readonly Uint8Array[], status: number, ours: string[]): void {
  const begin = ours.length;
  // RFC 9110 8.6: without content there is no length, and who believed one would wait for it.
  let named: ReadonlySet<string> = status < 200 || status === 204 ? NO_LENGTH : NONE;
  for (let i = 0; i < raw.length; i += 2) {
    const name = textOf(raw[i]);
    const value = textOf(raw[i + 1]);
    const fate = fateOf(name);
    if (fate === 'pass') ours.push(name, value);
    else if (fate === 'cookie') {
      if (!isOurCookie(value)) ours.push(name, value);
    } else if (fate === 'coding' && value.toLowerCase() !== 'chunked') {
      // We should have to undo it, or to tell the client.
      throw new Error(`the answer is coded for the transfer: ${value}`);
    } else if (fate === 'connection') named = new Set([...named, ...namedBy(value)]);
  }
  if (named.size === 0) return;
  for (let i = ours.length - 2; i >= begin; i -= 2) {
    if (named.has((ours[i] as string).toLowerCase())) ours.splice(i, 2);
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return (bytes as Buffer).toString('latin1');
}
