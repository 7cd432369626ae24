// A replica that commits one change, says so when it is committed or in hand, and goes no further.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/data-source-options';
import { publish } from '../src/outbox';
import { OutboxRelay } from '../src/outbox-relay';
import { transaction } from '../src/transaction';

const [url = '', what = ''] = process.argv.slice(3);

async function main(): Promise<void> {
  const options = { url, schema: 'outbox', applicationName: 'outbox-replica', entities: [], migrations: [] };
  const dataSource = new DataSource(dataSourceOptions(options));
  await dataSource.initialize();
  if (what === 'publishes for ever') {
    const relay = new OutboxRelay(dataSource, {
      types: ['user.changed'],
      deliver: () => {
        process.send?.('in hand');
        return new Promise<never>(() => undefined);
      },
      ready: () => true,
      pollMs: 100,
      onError: (error) => console.error(error),
    });
    relay.start();
  }
  await transaction(dataSource, (tx) => publish(tx, 'user.changed', { user_id: 'of the dead' }));
  if (what === 'writes only') process.send?.('committed');
}

void main();
