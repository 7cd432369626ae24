import { type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BusErrorFilter } from './error-filter';
import { type BusServerOptions } from './options';
import { BusServer } from './server';

type NestOptions = Parameters<typeof NestFactory.createMicroservice>;

/** A Nest microservice that answers a contract over the bus; `listen()` starts it. */
export async function createBusService(
  module: NestOptions[0],
  server: BusServer | BusServerOptions,
  options: NestOptions[1] = {},
): Promise<INestMicroservice> {
  const strategy = server instanceof BusServer ? server : new BusServer(server);
  const app = await NestFactory.createMicroservice(module, { ...options, strategy });
  // The last filter asked: those of controllers, methods and others of the application come before it.
  app.useGlobalFilters(new BusErrorFilter());
  return app;
}
