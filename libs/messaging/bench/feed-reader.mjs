// One replica that hears the feed and, for comparison, a channel. Usage: node feed-reader.mjs <redis url> <prefix>
import { Redis } from 'ioredis';
import { bus, silent } from './common.mjs';

const [url, prefix] = process.argv.slice(2);
const now = () => Number(process.hrtime.bigint() / 1_000n);
const heard = { feed: [], bare: [] };

const subscriber = new Redis(url);
await subscriber.subscribe(prefix);
subscriber.on('message', (_channel, at) => heard.bare.push(now() - Number(at)));
const feed = new bus.FeedReader({ redis: url, prefix, service: 'bench', reader: 'bench', logger: silent });
feed.listen({ event: (_type, { at }) => heard.feed.push(now() - at), lost: () => undefined });
feed.connect();
while (!feed.fresh) await new Promise((resolve) => setTimeout(resolve, 20));
process.on('message', () => process.send(heard));
process.send('ready');
