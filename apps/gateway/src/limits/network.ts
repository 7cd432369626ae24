import { BlockList, isIP } from 'node:net';
import { normalizeIp } from '@nestjs/throttler';

/** What a provider gives one customer at least (RFC 6177): counted as one, else they had 2^64 addresses to count by. */
const CUSTOMER_PREFIX = 64;

/** Where a translator puts each IPv4 customer into the last 32 bits (RFC 6052, RFC 8215): one /64 would be all of them. */
const TRANSLATED = new BlockList();
TRANSLATED.addSubnet('64:ff9b::', 96, 'ipv6');
TRANSLATED.addSubnet('64:ff9b:1::', 48, 'ipv6');

/** What is no address counts as one, and not as many as somebody can make up. */
const UNKNOWN = 'unknown';

/**
 * The one way from an address to what limits count it as: every limit by address uses it.
 *
 * @param address as the connection or a trusted proxy's X-Forwarded-For has it. Some proxies append the port, which
 * differs for each connection and would give each a count of its own.
 * @returns the IPv4 address, in whichever form it came; the /64 of an IPv6 one; `unknown` for anything else
 */
export function networkOf(address: string): string {
  const bare = withoutZone(withoutPort(address.trim()));
  const version = isIP(bare);
  if (version === 0) return UNKNOWN;
  return normalizeIp(bare, version === 6 && TRANSLATED.check(bare, 'ipv6') ? 128 : CUSTOMER_PREFIX);
}

function withoutPort(address: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(address) ?? [];
  return bracketed ?? dotted ?? address;
}

/** The interface of a link-local address: each machine names its own. */
function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? '';
}
