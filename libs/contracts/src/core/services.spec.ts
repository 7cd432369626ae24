import type { EventType } from './events';
import { followedBy, invalidationsOf, services } from '.';

/** Every event that makes copies wrong; one that is missing here does not compile. */
const INVALIDATIONS: Record<Exclude<EventType, 'activity'>, true> = {
  'user.changed': true,
  'session.revoked': true,
  'member.changed': true,
  'keys.rotated': true,
};

describe('the manifest of the services', () => {
  const names = Object.keys(services);

  it('says of each invalidation which one service publishes it, by its database', () => {
    expect(names.flatMap((name) => [...invalidationsOf(name)]).sort()).toEqual(Object.keys(INVALIDATIONS).sort());
    const publishers = Object.entries(services).filter(([name]) => invalidationsOf(name).length > 0);
    for (const [, service] of publishers) expect(service).toHaveProperty('database');
  });

  it('has only services followed that publish', () => {
    for (const followed of names.flatMap((name) => [...followedBy(name)])) {
      expect(invalidationsOf(followed)).not.toEqual([]);
    }
  });

  it('knows nothing of a name that is not in it', () => {
    for (const name of ['nobody', 'constructor', '__proto__']) {
      expect([invalidationsOf(name), followedBy(name)]).toEqual([[], []]);
    }
  });
});
