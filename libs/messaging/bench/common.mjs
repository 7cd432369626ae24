import { createSecretKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../../../dist/libs/messaging/src/index.js', import.meta.url));

/** The library as it was built. */
export const bus = createRequire(import.meta.url)(built);

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What both sides seal with: any key will do. */
const current = { id: 'k1', key: createSecretKey(Buffer.alloc(32, 'bench')) };
export const sealer = new bus.Sealer({ current, get: () => current.key });

class Echo {}

export const contract = {
  name: 'echo',
  patterns: { echo: { request: Echo, lane: 'fast', callers: ['caller'] } },
};

/** Nest's transport takes no URL. */
export function redisOptions(url) {
  const { hostname, port, password } = new URL(url);
  return { host: hostname, port: Number(port || 6379), ...(password && { password: decodeURIComponent(password) }) };
}
