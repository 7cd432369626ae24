import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { proxied } from '../test/proxied';
import { startTestGateway } from '../test/test-gateway';
import { TestUpstream } from '../test/test-upstream';

/** Of each kind: an agent, fetch, a socket. */
const EACH = 20;

const PATHS = ['/api/v1/users/me', '/api/v1/query/chats'];

interface Counts {
  readonly answers: number;
  /** Answers that were said to be the last of their connections. */
  readonly last: number;
  readonly refused: number;
  readonly lost: Readonly<Record<string, number>>;
}

describe('a gateway that stops under load', () => {
  it('loses no request of clients that keep their connections', async () => {
    const runs = 20;
    const all: Counts[] = [];
    for (let run = 0; run < runs; run++) all.push(await stopUnderLoad(PATHS[run % PATHS.length] as string));
    const sum = (key: 'answers' | 'last' | 'refused') => all.reduce((total, one) => total + one[key], 0);
    const lost = all.flatMap((one) => Object.entries(one.lost));
    console.log(`${sum('answers')} answers, ${sum('last')} of them the last on their connection`);
    expect(sum('refused')).toBe(runs * EACH * 3);
    expect(lost).toEqual([]);
    expect(sum('last')).toBeGreaterThanOrEqual(1_000);
  });
});

/** @param path a route that the gateway serves itself, or one that it forwards */
async function stopUnderLoad(path: string): Promise<Counts> {
  const upstream = await TestUpstream.start();
  upstream.answer = (_request, response) => void setTimeout(() => response.end('{}'), Math.random() * 20);
  const gateway = await startTestGateway({}, [proxied(upstream.url)]);
  gateway.fakes.set('users.me', async () => {
    await sleep(Math.random() * 20);
    return { name: 'Ana' };
  });
  const workerData = { url: gateway.url, path, token: gateway.accessToken(), each: EACH };
  const clients = new Worker(join(__dirname, 'keep-alive-clients.mjs'), { workerData });
  let answers = 0;
  const done = new Promise<Counts>((resolve, reject) => {
    clients.on('error', reject).on('message', (message: { answers?: number; done?: Counts }) => {
      answers = message.answers ?? answers;
      if (message.done) resolve(message.done);
    });
  });
  while (answers < EACH * 15) await sleep(5);
  await gateway.shutdown();
  const counts = await done;
  await gateway.stop();
  await clients.terminate();
  await upstream.stop();
  return counts;
}
