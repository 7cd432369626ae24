import { createConnection, Socket } from 'node:net';
import { connect } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import { TopologyResolver } from './topology-resolver';
import { parseRedisUrl } from './redis-url';

type NetStream = Awaited<ReturnType<AbstractConnector['connect']>>;

/** As long as it takes a Redis that lives to let go of a connection. */
const DISCONNECT_MS = 200;

/**
 * Errors of a Redis that is not, or not any more, the one to ask. None of what was asked was run. Errors of a slot that
 * is just being moved (ASK, TRYAGAIN) are not among them: until that is over, nobody else is the one to ask.
 */
const ELSEWHERE = /^(?:MOVED|CLUSTERDOWN|READONLY|MASTERDOWN|LOADING|NOREPLICAS) /;

/** Whether Redis refused a command because another is to be asked. The connection goes there by itself. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof Error && ELSEWHERE.test(error.message);
}

/**
 * The options of ioredis for a Redis URL of whichever kind. Each time it connects, Sentinels or the nodes of a Cluster are
 * asked anew where to; errors that say that another Redis is to be asked make it connect again. So one ioredis client is
 * one connection, with nothing queued and nothing sent again behind one's back, as ioredis' own Cluster client would.
 *
 * @param slotKey on a Cluster, the node that has this key is used; keys of other slots cannot be
 * @throws TypeError when it is no Redis URL
 */
export function redisOptions(url: string, slotKey: string): RedisOptions {
  const parsed = parseRedisUrl(url);
  const { credentials, database, tls } = parsed;
  const resolver = new TopologyResolver(parsed, slotKey);
  return {
    ...credentials,
    ...(tls ? { tls: {} } : {}),
    db: database,
    // Redis 7.0 does not know CLIENT SETINFO, so no ACL can allow it.
    disableClientInfo: true,
    disconnectTimeout: DISCONNECT_MS,
    reconnectOnError: isElsewhere,
    Connector: class extends FindingConnector {
      constructor() {
        super(resolver, tls);
      }
    },
  };
}

/** Connects to where the resolver says. */
class FindingConnector extends AbstractConnector {
  constructor(
    private readonly resolver: TopologyResolver,
    private readonly tls: boolean,
  ) {
    super(DISCONNECT_MS);
  }

  /** Called by ioredis, before a connection may be used, with what INFO says, if that is allowed. */
  override check({ role = 'master' }: { role?: string }): boolean {
    return role === 'master';
  }

  override async connect(): Promise<NetStream> {
    this.connecting = true;
    delete this.firstError;
    try {
      const place = await this.resolver.resolve();
      // Closed while it was looked for.
      if (!this.connecting) throw new Error('Connection is closed.');
      this.stream = this.tls ? connect(place) : createConnection(place);
      this.stream.once('error', (error) => (this.firstError = error));
    } catch (error) {
      if (!this.connecting) throw error;
      // If we rejected, ioredis would never try again: a connection that broke at once is what it understands.
      this.firstError = error as Error;
      this.stream = new Socket().destroy();
    }
    return this.stream;
  }

  /** Called for each command that another Redis is to be asked; once is enough. */
  override disconnect(): void {
    if (this.stream?.writableEnded) this.connecting = false;
    else super.disconnect();
  }
}
