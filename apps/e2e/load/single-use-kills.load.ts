import { scaled, startPuerta, testRedisUrl, type Puerta } from '@puerta/testing';
import { ForgetfulProxy } from '../src/support/forgetful-proxy';
import { Random } from '../src/support/random';
import { count, TokensOverBus } from '../src/support/single-use';

const KILLS = scaled(40);

const random = new Random(Date.now() % 1_000_000);

let puerta: Puerta;
let tokens: TokensOverBus;
/** Between each replica and the Redis of the tokens. */
let proxies: ForgetfulProxy[];

beforeAll(async () => {
  const port = Number(new URL(testRedisUrl()).port);
  proxies = await Promise.all([1, 2, 3].map(() => ForgetfulProxy.start(port)));
  puerta = await startPuerta({
    replicas: { 'token-service': 3 },
    env: { LOG_LEVEL: 'warn' },
    envOf: (app, n, { REDIS_URL = '' }): Record<string, string> => {
      if (app !== 'token-service') return {};
      const url = new URL(REDIS_URL);
      url.port = String(proxies[n]?.port);
      return { TOKEN_SERVICE_REDIS_URL: url.href };
    },
  });
  tokens = await TokensOverBus.open(puerta);
}, 120_000);

afterAll(async () => {
  await tokens?.close();
  await puerta?.stop();
  for (const proxy of proxies) proxy.close();
});

/** Ends whichever replica uses a token up, once it has and before it hears of it. @returns which one */
function killWhoeverUses(): Promise<number> {
  return Promise.race(
    proxies.map(async (proxy, n) => {
      await proxy.forget('$4\r\ngood\r\n');
      for (const other of proxies) if (other !== proxy) other.disarm();
      await puerta.replicas['token-service'][n]?.kill();
      return n;
    }),
  );
}

it(`${KILLS} times, a replica is killed that has just used a token up: its redelivered call is told of that success, nobody else`, async () => {
  const waits: number[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const token = await tokens.issue();
    const killed = killWhoeverUses();
    const started = performance.now();
    const codes = await Promise.all(Array.from({ length: random.between(1, 200) }, () => tokens.redeem(token)));
    waits.push(performance.now() - started);
    expect(count(codes)).toEqual({ ok: 1, ...(codes.length > 1 && { token_used: codes.length - 1 }) });
    const n = await killed;
    for (const proxy of proxies) proxy.disarm();
    await puerta.replicas['token-service'][n]?.start();
  }
  // Asked again nobody was: each call was answered once, by whoever took it over.
  expect(tokens.repeats).toBe(0);
  console.log(
    `${KILLS} replicas killed after they had used a token up: all answered within ${Math.max(...waits).toFixed(0)} ms`,
  );
}, 600_000);
