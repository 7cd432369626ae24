// A replica that does jobs, as a process of its own.
import 'reflect-metadata';
import { connect, COUNT, COUNT_MORE, countUp, newJobs } from './counting';

async function main(url: string): Promise<void> {
  const dataSource = await connect(url);
  const jobs = newJobs(dataSource);
  jobs.handle(COUNT, countUp);
  jobs.handle(COUNT_MORE, countUp);
  jobs.onApplicationBootstrap();
  process.on('SIGTERM', () => void jobs.onModuleDestroy().then(() => process.exit(0)));
  process.on('disconnect', () => process.exit(0));
  process.send?.('up');
}

void main(process.argv[3] ?? '');
