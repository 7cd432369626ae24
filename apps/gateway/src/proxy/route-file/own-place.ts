import { isIP } from 'node:net';
import type { RoutesConfig } from '../../config';

const ANY = ['0.0.0.0', '::'];

/** Whether a service's origin is the gateway's own, as far as the configuration tells: requests would go in a circle. */
export function isOwnPlace(target: string, config: RoutesConfig): boolean {
  const { PUBLIC_URL, HOST, PORT, INTERNAL_PORT } = config;
  const url = new URL(target);
  if (PUBLIC_URL !== undefined && url.origin === new URL(PUBLIC_URL).origin) return true;
  const host = url.hostname.replace(/^\[|\]$|\.$/g, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  // Port 0 is any free one, which is not known yet.
  return (
    [PORT, INTERNAL_PORT].includes(port) && (isLoopback(host) || ANY.includes(host) || host === HOST.toLowerCase())
  );
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host.startsWith('::ffff:7f') || host === 'localhost' || host.endsWith('.localhost');
}
