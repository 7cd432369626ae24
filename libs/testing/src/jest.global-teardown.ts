import { servers } from './servers';

export default async function globalTeardown(): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
