import { defineConfig, keyring, loadConfig } from '@puerta/config';
import type { ServiceName } from '@puerta/contracts';
import { BusClient, Sealer } from '@puerta/messaging';
import { silentLogger } from '@puerta/observability';
import type { Puerta } from '@puerta/testing';

const config = defineConfig('test', { BUS_SECRET: keyring('Seals what travels') });

/** Asks the services of an installation, as one of them: below what a gateway admits. */
export async function askAs(caller: ServiceName, puerta: Puerta): Promise<BusClient> {
  const { BUS_SECRET } = loadConfig(config, { ...puerta.secrets });
  const options = { redis: puerta.redisUrls[caller], prefix: puerta.busPrefix, sealer: new Sealer(BUS_SECRET) };
  const client = new BusClient({ ...options, logger: silentLogger, service: caller });
  await client.connect();
  return client;
}
