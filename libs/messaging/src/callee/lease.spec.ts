import { RedisClock } from '../connection/clock';
import { Keys } from '../wire/keys';
import { Lease, LEASE_MS } from './lease';
import { type Replica } from './replica';

/** A lease whose heartbeats are answered after so many ms, all of which this process or its machine stood still. */
function leaseOf(standsStill: () => void): Lease {
  const answer = async () => {
    standsStill();
    return [Date.now(), 0, 0];
  };
  const clock = new RedisClock();
  const commands = { clock, ready: true, beforeUse: () => undefined, ask: answer };
  const replica = { commands, keys: new Keys('test'), callee: 'sample', id: 'me', sources: [] };
  return new Lease(
    replica as unknown as Replica,
    () => 0,
    () => undefined,
  );
}

afterEach(() => jest.restoreAllMocks());

describe('a lease', () => {
  it('is held from the moment that its heartbeat was sent, not from that of the answer', async () => {
    let frozen = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + frozen);
    const wall = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => wall() + frozen);
    const lease = leaseOf(() => undefined);
    await lease.renew();
    expect(lease.heldSince(performance.now())).toBe(true);
    const frozenMeanwhile = leaseOf(() => (frozen += LEASE_MS + 1));
    await frozenMeanwhile.renew();
    expect(frozenMeanwhile.heldSince(performance.now())).toBe(false);
    expect(frozenMeanwhile.present).toBe(false);
  });

  it('may be lost when the machine was suspended, which stops the monotonic clock', async () => {
    let asleep = 0;
    const wall = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => wall() + asleep);
    const lease = leaseOf(() => undefined);
    await lease.renew();
    const asked = performance.now();
    expect(lease.heldSince(asked)).toBe(true);
    asleep = LEASE_MS + 1;
    expect(lease.heldSince(asked)).toBe(false);
  });
});
