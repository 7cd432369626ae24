export { freePort } from '../../../tools/embedded/process.mjs';
export type { App } from '../../../tools/embedded/services.mjs';
export { createDatabase, testDatabaseUrl, testRedisUrl, type TestDatabase } from './database';
export { HttpClient, type Answer, type RequestOptions } from './http';
export { startPostgres, type TestPostgres } from './postgres';
export { Puerta, Replica, startPuerta, type PuertaOptions } from './puerta';
export { readQrCodes } from './qr';
export { startRedis, type TestRedis } from './redis';
export { waitFor } from './wait';
