import { HOP_BY_HOP, isOurCookie, namedBy, remembered } from './header-names';

type Fate = 'pass' | 'drop' | 'cookie' | 'connection' | 'vary';

/** What the gateway says for the host that clients see. */
const OURS: ReadonlySet<string> = new Set([
  'x-request-id',
  'x-content-type-options',
  'strict-transport-security',
  'alt-svc',
  'ratelimit',
  'ratelimit-policy',
]);

const fateOf = remembered((name): Fate => {
  if (name === 'connection' || name === 'vary') return name;
  if (HOP_BY_HOP.has(name) || OURS.has(name) || name.startsWith('access-control-')) return 'drop';
  return name === 'set-cookie' ? 'cookie' : 'pass';
});

/**
 * The headers of an upstream's answer as the client gets them, after ours: in the order, and as often, as they came.
 *
 * @param raw names and values in turn, as undici has them: bytes, which are passed on as they are (Latin-1 has a
 *   character for each)
 * @param ours names and values in turn; it is added to
 */
export function addUpstreamHeaders(raw: readonly Uint8Array[], ours: string[]): void {
  const begin = ours.length;
  let named = namedBy(undefined);
  for (let i = 0; i < raw.length; i += 2) {
    const name = textOf(raw[i]);
    const value = textOf(raw[i + 1]);
    const fate = fateOf(name);
    if (fate === 'pass' || fate === 'vary') ours.push(name, value);
    else if (fate === 'cookie') {
      if (!isOurCookie(value)) ours.push(name, value);
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
