import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { hashSlot } from './hash-slot';
import { type Address, type Credentials, type RedisUrl } from './redis-url';

/** One that does not answer by then is frozen, or far away. */
const ANSWER_MS = 500;
/** How long the others get once one has answered. */
const OTHERS_MS = 100;

/** What one Sentinel or node says. */
interface Answer {
  readonly place: Address;
  /** More that could be asked. */
  readonly peers: readonly Address[];
}

/** Knows which Redis is to be used now: the only one, the primary of which the Sentinels tell, or the node that has a slot. */
export class TopologyResolver {
  /** Nodes that the URL does not name; asked when none of those that it names answers. */
  private peers: readonly Address[] = [];
  private readonly slot: number;

  /** @param slotKey a key, for a Cluster to find the node that has it */
  constructor(
    private readonly url: RedisUrl,
    slotKey: string,
  ) {
    this.slot = hashSlot(slotKey);
  }

  /** @throws when nobody knows */
  async resolve(): Promise<Address> {
    const { addresses, kind } = this.url;
    if (kind === 'single') return addresses[0];
    const place = (await this.ask(addresses)) ?? (await this.ask(this.peers));
    if (place) return place;
    throw new Error(kind === 'sentinel' ? 'no Sentinel knows the primary' : 'no node knows who has the slot');
  }

  /** Asks all at once, so that frozen ones cost no time. What most say counts: one that has just woken is behind. */
  private async ask(addresses: readonly Address[]): Promise<Address | undefined> {
    const answers: Answer[] = [];
    const asked = addresses.map(async (address) => void answers.push(await this.askOne(address)));
    await Promise.any(asked).catch(() => undefined);
    if (answers.length > 0) await Promise.race([Promise.allSettled(asked), sleep(OTHERS_MS)]);
    return this.majority([...answers]);
  }

  private majority(answers: readonly Answer[]): Address | undefined {
    const votes = new Map<string, number>();
    for (const { place } of answers) votes.set(nameOf(place), (votes.get(nameOf(place)) ?? 0) + 1);
    const [chosen] = [...answers].sort((a, b) => (votes.get(nameOf(b.place)) ?? 0) - (votes.get(nameOf(a.place)) ?? 0));
    if (chosen) this.peers = chosen.peers;
    return chosen?.place;
  }

  /** @throws when there is no answer, or one that says nothing */
  private async askOne(address: Address): Promise<Answer> {
    const { credentials, kind, sentinel, tls } = this.url;
    const client = questioner(address, kind === 'sentinel' ? sentinel : credentials, tls);
    try {
      await client.connect();
      return kind === 'sentinel' ? await this.askSentinel(client) : await this.askNode(client, address);
    } finally {
      client.disconnect();
    }
  }

  private async askSentinel(client: Redis): Promise<Answer> {
    const address = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.url.primary)) as string[] | null;
    const [host, port] = address ?? [];
    if (!host) throw new Error('a Sentinel that does not know the primary');
    return { place: { host, port: Number(port) }, peers: [] };
  }

  private async askNode(client: Redis, { host }: Address): Promise<Answer> {
    const ranges = (await client.call('CLUSTER', 'SLOTS')) as [number, number, ...[string | null, number][]][];
    // A node that does not know its own name leaves it empty: it is where it was asked.
    const addressOf = ([name, port]: [string | null, number]): Address => ({ host: name || host, port });
    const [, , primary] = ranges.find(([from, to]) => from <= this.slot && this.slot <= to) ?? [];
    const nodes = ranges.flatMap(([, , ...owners]) => owners.map(addressOf));
    if (!primary) throw new Error('a node that does not know who has the slot');
    return { place: addressOf(primary), peers: unlike(nodes) };
  }
}

/** A connection for one question. */
function questioner(address: Address, credentials: Credentials, tls: boolean): Redis {
  const client = new Redis({
    ...address,
    ...credentials,
    ...(tls ? { tls: {} } : {}),
    lazyConnect: true,
    connectTimeout: ANSWER_MS,
    commandTimeout: ANSWER_MS,
    disconnectTimeout: 0,
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    retryStrategy: null,
  });
  return client.on('error', () => undefined);
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}

function unlike(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((address) => [nameOf(address), address])).values()];
}
