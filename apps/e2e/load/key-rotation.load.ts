import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeySet, LoginAnswer } from '@puerta/contracts';
import { type Puerta, scaled, setHearing, startPuerta, startRedis, type TestRedis } from '@puerta/testing';
import { administrator, expectStatus, issueCard, PASSWORD, register } from '../src/support/people';

const ROTATIONS = scaled(100);
const EVERY_MS = 2_000;
const GATEWAYS = [0, 1];
/** Within so long nobody may take what a killed key has signed. */
const BOUND_MS = 5_000;

let redis: TestRedis;
let puerta: Puerta;

beforeAll(async () => {
  redis = await startRedis();
  puerta = await startPuerta({ redis: redis.url, replicas: { gateway: 2, 'token-service': 2 } });
}, 120_000);

afterAll(async () => {
  await puerta?.stop();
  await redis?.close();
});

/** As an operator does it. */
async function keys(...args: string[]): Promise<{ kid: string; state?: string; to?: string }[]> {
  const env = {
    PATH: process.env['PATH'],
    TOKEN_SERVICE_DATABASE_URL: puerta.databaseUrls['token-service'],
    TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: puerta.secrets.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS,
  };
  const child = spawn(process.execPath, [join(__dirname, '../../../tools/keys.mjs'), ...args, '--json'], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`keys ${args.join(' ')} ended with ${String(code)}: ${err}`);
  return JSON.parse(out) as { kid: string; state?: string; to?: string }[];
}

const kidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/** Somebody who works all the time, at any gateway, and never gets an answer that is not the one. */
class Person {
  /** Every access token they ever got: all of them are good until the end. */
  readonly tokens: string[];
  readonly failures: string[] = [];
  requests = 0;
  private stopped = false;
  private done: Promise<void> = Promise.resolve();

  constructor(
    private login: LoginAnswer,
    private readonly scanUrl: string,
  ) {
    this.tokens = [login.access_token];
  }

  start(): void {
    this.stopped = false;
    this.done = this.work();
  }

  stop(): Promise<void> {
    this.stopped = true;
    return this.done;
  }

  async refresh(): Promise<string> {
    const { refresh_token } = this.login;
    return this.take(
      expectStatus(await puerta.api(any(GATEWAYS)).post<LoginAnswer>('/users/refresh', { refresh_token }), 200),
    );
  }

  private async work(): Promise<void> {
    const deeds = [() => this.refresh(), () => this.read(), () => this.read(), () => this.read(), () => this.scan()];
    for (let round = 0; !this.stopped; round += 1) {
      const deed = round % 50 === 49 ? () => this.logIn() : any(deeds);
      this.requests += 1;
      await deed().catch((error: Error) => this.failures.push(error.message));
    }
  }

  private async logIn(): Promise<string> {
    const { email } = this.login;
    return this.take(
      expectStatus(
        await puerta.api(any(GATEWAYS)).post<LoginAnswer>('/users/login', { email, password: PASSWORD }),
        200,
      ),
    );
  }

  private async read(): Promise<void> {
    expectStatus(await puerta.api(any(GATEWAYS)).get('/users/me', { token: any(this.tokens) }), 200);
  }

  /** A pass is signed by the same keys, and shown to another gateway than the one it came from. */
  private async scan(): Promise<void> {
    const [here, there] = [any(GATEWAYS), any(GATEWAYS)];
    const { status, headers } = await puerta.http(here).get(new URL(this.scanUrl).pathname);
    if (status !== 302) throw new Error(`a scan was answered ${status}`);
    const token = new URL(headers.get('location') ?? '').searchParams.get('token') ?? '';
    expectStatus(await puerta.api(there).get('/scan/profile', { token }), 200);
  }

  private take(login: LoginAnswer): string {
    this.login = login;
    this.tokens.push(login.access_token);
    return login.access_token;
  }
}

let people: Person[];

it(`rotates ${ROTATIONS} times, every two seconds, and no request fails`, async () => {
  const { token } = await administrator(puerta.api());
  const { scan_url } = await issueCard(puerta.api(), token);
  people = await Promise.all(Array.from({ length: 6 }, async () => new Person(await register(puerta.api()), scan_url)));
  for (const person of people) person.start();
  // Not one after the other: while all is busy the command itself may take longer than that.
  const rotations = Array.from({ length: ROTATIONS }, (_, n) =>
    sleep(n * EVERY_MS).then(() => keys('rotate', '--now')),
  );
  await Promise.allSettled([...rotations, sleep(ROTATIONS * EVERY_MS)]);
  await Promise.all(people.map((person) => person.stop()));
  await Promise.all(rotations);

  const requests = people.reduce((sum, person) => sum + person.requests, 0);
  const signedBy = new Set(people.flatMap(({ tokens }) => tokens.map(kidOf)));
  console.log(`${ROTATIONS} rotations, ${requests} requests, ${signedBy.size} keys signed access tokens`);
  expect(people.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await keys('list', '--use', 'access')).toHaveLength(ROTATIONS + 2);
  // Two may have followed each other so closely that none of these people came in between.
  expect(signedBy.size).toBeGreaterThan(ROTATIONS / 2);
}, 180_000);

/** A token that a key has signed which is active now, and that key. */
async function freshToken(): Promise<{ token: string; kid: string }> {
  const [active] = await keys('list', '--use', 'access');
  for (;;) {
    const token = await (people[0] as Person).refresh();
    const kid = kidOf(token);
    if (kid === active?.kid) return { token, kid };
  }
}

/** When a gateway let it pass for the last time, and when it showed its key for the last time, in milliseconds from then on. */
async function lastSeen(
  gateway: number,
  token: string,
  kid: string,
  until: () => boolean,
  from: number,
): Promise<[number, number]> {
  let [passed, shown] = [-Infinity, -Infinity];
  while (!until()) {
    const asked = performance.now() - from;
    const [{ status }, { body }] = await Promise.all([
      puerta.api(gateway).get('/users/me', { token }),
      puerta.http(gateway).get<KeySet>('/.well-known/jwks.json'),
    ]);
    if (status === 200) passed = asked;
    else if (status !== 401) throw new Error(`${status}`);
    if (body.keys.some((key) => key.kid === kid)) shown = asked;
    await sleep(20);
  }
  return [passed, shown];
}

/** When the last token was made that the key signed, by whichever replica. */
async function lastSigned(kid: string, until: () => boolean, from: number): Promise<number> {
  let signed = -Infinity;
  while (!until()) {
    const asked = performance.now() - from;
    if (kidOf(await (people[1] as Person).refresh()) === kid) signed = asked;
    await sleep(10);
  }
  return signed;
}

async function killed(): Promise<void> {
  const { token, kid } = await freshToken();
  for (const n of GATEWAYS) expectStatus(await puerta.api(n).get('/users/me', { token }), 200);
  const [oldest = ''] = (people[0] as Person).tokens;
  let over = false;
  const from = performance.now();
  const watching = Promise.all([
    Promise.all(GATEWAYS.map((n) => lastSeen(n, token, kid, () => over, from))),
    lastSigned(kid, () => over, from),
  ]);
  await keys('kill', kid);
  const done = performance.now() - from;
  await sleep(BOUND_MS + 500);
  over = true;
  const [seen, signed] = await watching;
  const times = { done, passed: seen.map(([passed]) => passed), shown: seen.map(([, shown]) => shown), signed };
  console.log(
    `milliseconds since the command was begun: ${JSON.stringify(times, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value))}`,
  );
  // It did pass while it lived, or nothing was seen here.
  for (const [passed] of seen) expect(passed).toBeGreaterThan(-Infinity);
  expect(Math.max(...seen.flat(), signed) - done).toBeLessThan(BOUND_MS);
  if (kidOf(oldest) !== kid)
    for (const n of GATEWAYS) expectStatus(await puerta.api(n).get('/users/me', { token: oldest }), 200);
}

it('takes what a killed key has signed nowhere any more, and what others have signed still', killed, 60_000);

it('does so too when nothing can be heard of it', async () => {
  await setHearing(redis.url, puerta.busPrefix, false);
  try {
    await sleep(1_000);
    await killed();
  } finally {
    await setHearing(redis.url, puerta.busPrefix, true);
  }
}, 60_000);
