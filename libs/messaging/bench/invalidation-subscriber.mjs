// One replica that hears the invalidation stream and, for comparison, a channel. Usage: node invalidation-subscriber.mjs <redis url> <prefix>
import { Redis } from 'ioredis';
import { bus, silent } from './common.mjs';

const [url, prefix] = process.argv.slice(2);
const now = () => Number(process.hrtime.bigint() / 1_000n);
const heard = { subscriber: [], bare: [] };

const bare = new Redis(url);
await bare.subscribe(prefix);
bare.on('message', (_channel, at) => heard.bare.push(now() - Number(at)));
const subscriber = new bus.InvalidationSubscriber({
  redis: url,
  prefix,
  service: 'bench',
  reader: 'bench',
  logger: silent,
});
subscriber.listen({ event: (_type, { at }) => heard.subscriber.push(now() - at), lost: () => undefined });
subscriber.connect();
while (!subscriber.fresh) await new Promise((resolve) => setTimeout(resolve, 20));
process.on('message', () => process.send(heard));
process.send('ready');
