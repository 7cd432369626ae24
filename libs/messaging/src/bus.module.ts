import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { BusClient } from './caller/client';
import { type ServiceContract } from './wire/contract';
import { type BusClientOptions } from './options';
import { ServiceClient } from './caller/service-client';

/** Connects the client with the application, and closes it last: handlers that drain at shutdown still make calls. */
class BusLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly client: BusClient,
    private readonly calls: readonly ServiceContract[],
  ) {}

  async onModuleInit(): Promise<void> {
    await this.client.connect(...this.calls.map(({ name }) => name));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}

export interface BusModuleOptions extends BusClientOptions {
  /** The services this one asks: each gets a `ServiceClient`, injected with `@InjectService(contract)`. */
  readonly calls: readonly ServiceContract[];
}

/** Provides one `BusClient` to the whole application. */
@Module({})
export class BusModule {
  static forRoot({ calls, ...options }: BusModuleOptions): DynamicModule {
    const services = calls.map(
      (contract): Provider => ({
        provide: tokenOf(contract),
        inject: [BusClient],
        useFactory: (client: BusClient) => new ServiceClient(client, contract),
      }),
    );
    const lifecycle: Provider = {
      provide: BusLifecycle,
      inject: [BusClient],
      useFactory: (client: BusClient) => new BusLifecycle(client, calls),
    };
    return {
      module: BusModule,
      global: true,
      providers: [{ provide: BusClient, useFactory: () => new BusClient(options) }, lifecycle, ...services],
      exports: [BusClient, ...calls.map(tokenOf)],
    };
  }
}

/** Injects the `ServiceClient` of a contract that `BusModule.forRoot` was given. */
export const InjectService = (contract: ServiceContract): ParameterDecorator & PropertyDecorator => Inject(tokenOf(contract));

function tokenOf(contract: ServiceContract): string {
  return `bus:${contract.name}`;
}
