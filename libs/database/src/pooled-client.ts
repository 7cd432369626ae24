import { types } from 'node:util';
import type { ClientConfig } from 'pg';
import { endsSession, NOT_CONNECTED } from './failures';
import { PreparingClient } from './preparing-client';

/**
 * A connection whose end is no surprise, whoever has it. PostgreSQL may end it at any moment (a failover, an operator's
 * `pg_terminate_backend`), also while the pool hands it out: the pool has stopped listening for errors, and TypeORM begins
 * to only after a turn of the loop. An error event that nobody listens to would end the process.
 */
export class PooledClient extends PreparingClient {
  constructor(config?: ClientConfig) {
    super(config);
    // Nothing is lost: whoever has the connection, or gets it, is told by the next query.
    this.on('error', () => undefined);
  }

  /** Called by the pool. */
  override connect(callback?: (error: Error) => void): never {
    const connected = (error: Error | null): void => {
      callback?.((error && Object.assign(error, { [NOT_CONNECTED]: true })) as Error);
    };
    return super.connect(connected) as never;
  }

  /** Ends a connection that PostgreSQL has ended: until the socket is closed too, the pool would hand it to others. */
  override query(text: unknown, ...rest: unknown[]): never {
    const answer: unknown = super.query(text, ...rest);
    if (types.isPromise(answer)) answer.catch((error: unknown) => endsSession(error) && void this.end());
    return answer as never;
  }
}
