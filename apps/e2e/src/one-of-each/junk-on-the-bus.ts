import { randomUUID } from 'node:crypto';
import { cardIssuerContract, identityContract, tokenServiceContract } from '@puerta/contracts';
import { BusError } from '@puerta/messaging';
import type { Puerta } from '@puerta/testing';
import { askAs } from '../support/bus';
import { snapshot } from '../support/rows';
import { single } from '../support/shared-puerta';

let puerta: Puerta;

beforeAll(async () => {
  puerta = await single.start();
}, 120_000);

const patterns = [identityContract, cardIssuerContract, tokenServiceContract].flatMap((contract) =>
  Object.entries(contract.patterns).map(
    ([pattern, { callers }]) => [contract.name, pattern, callers[0] ?? 'gateway'] as const,
  ),
);

/** Nothing that any pattern takes; most are what a buggy or hostile caller would send. */
const junk: readonly unknown[] = [
  null,
  'text',
  7,
  true,
  [],
  [{}],
  { unknown: true },
  JSON.parse('{"__proto__":{"admin":true}}'),
  { constructor: { prototype: { admin: true } } },
  {
    card_id: 7,
    company_id: [],
    user_id: {},
    code: null,
    email: 1,
    name: {},
    roles: 'owner',
    scan_id: 'x',
    refresh_token: 1,
    holder: 1,
  },
  { card_id: "' OR 1=1 --", company_id: '\0', limit: 'all', cursor: {}, q: ['a'], format: 'gif', size: -1 },
  JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`),
];

/** Who no user of ours can be. */
const junkActors: readonly object[] = [
  {},
  [],
  { user_id: 5, session_id: 'x', email: 'nobody', company_id: 'x', role: 'god' },
  { ...actor(), user_id: "' OR 1=1 --" },
  { ...actor(), role: 'root' },
  { ...actor(), admin: true },
];

describe.each(patterns)('%s %s', (service, pattern, caller) => {
  it('answers junk with validation_failed and changes nothing', async () => {
    const client = await askAs(caller, puerta);
    try {
      const before = await snapshot(puerta.database.url);
      const target = { service, pattern, lane: laneOf(service, pattern) };
      const calls: [unknown, object][] = junk.map((data) => [data, actor()]);
      if (caller === 'gateway') calls.push(...junkActors.map((one): [unknown, object] => [{}, one]));
      for (const [data, one] of calls) {
        const error = await client.call(target, data as object, { actor: one }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(BusError);
        expect((error as BusError).code).toBe('validation_failed');
      }
      expect(await snapshot(puerta.database.url)).toEqual(before);
    } finally {
      await client.close();
    }
  });
});

function actor(): object {
  const ids = { user_id: randomUUID(), session_id: randomUUID(), company_id: randomUUID() };
  return { ...ids, email: 'a@example.com', role: 'owner' };
}

function laneOf(service: string, pattern: string): 'fast' | 'heavy' {
  const contract = [identityContract, cardIssuerContract, tokenServiceContract].find(({ name }) => name === service);
  return (contract?.patterns as Record<string, { lane: 'fast' | 'heavy' }>)[pattern]?.lane ?? 'fast';
}
