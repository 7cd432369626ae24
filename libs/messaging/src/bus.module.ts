import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { BusClient } from './caller/client';
import { ServiceClient } from './caller/service-client';
import { type BusClientOptions } from './options';
import { type ServiceContract } from './wire/contract';

const CALLS = Symbol('calls');

export interface BusModuleOptions extends BusClientOptions {
  /** The services this one asks: each gets a `ServiceClient`, injected with `@InjectService(contract)`. */
  readonly calls: readonly ServiceContract[];
}

/**
 * Provides one `BusClient` to the whole application. It is connected with the application, and closed last: handlers that
 * drain at shutdown still make calls.
 */
@Module({})
export class BusModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly client: BusClient,
    @Inject(CALLS) private readonly calls: readonly ServiceContract[],
  ) {}

  static forRoot({ calls, ...options }: BusModuleOptions): DynamicModule {
    const services = calls.map((contract): Provider => ({
      provide: tokenOf(contract),
      inject: [BusClient],
      useFactory: (client: BusClient) => new ServiceClient(client, contract),
    }));
    return {
      module: BusModule,
      global: true,
      providers: [
        { provide: BusClient, useFactory: () => new BusClient(options) },
        { provide: CALLS, useValue: calls },
        ...services,
      ],
      exports: [BusClient, ...calls.map(tokenOf)],
    };
  }

  async onModuleInit(): Promise<void> {
    await this.client.connect(...this.calls.map(({ name }) => name));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}

/** Injects the `ServiceClient` of a contract that `BusModule.forRoot` was given. */
export const InjectService = (contract: ServiceContract): ParameterDecorator & PropertyDecorator =>
  Inject(tokenOf(contract));

function tokenOf(contract: ServiceContract): string {
  return `bus:${contract.name}`;
}
