import { Catch, type DynamicModule, type ExceptionFilter, type INestMicroservice, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { type Observable, throwError } from 'rxjs';
import { type BusServer } from './server';

type Importable = NonNullable<DynamicModule['imports']>[number];
type NestOptions = Parameters<typeof NestFactory.createMicroservice>[1];

/**
 * Hands errors on to the bus server as they are. Without it Nest's own filter has replaced them by "Internal server
 * error" before the server can give them their wire form.
 */
@Catch()
class BusErrorFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Around the application's own module: so the filter here is the last one that Nest asks, after those of methods,
 * controllers and the application.
 */
@Module({ providers: [{ provide: APP_FILTER, useClass: BusErrorFilter }] })
class BusServiceModule {}

/** A Nest microservice that answers a contract over the bus; `listen()` starts it. */
export async function createBusService(
  module: Importable,
  strategy: BusServer,
  options: NestOptions = {},
): Promise<INestMicroservice> {
  return NestFactory.createMicroservice({ module: BusServiceModule, imports: [module] }, { ...options, strategy });
}
