import fc from 'fast-check';
import { type Admission, CircuitBreaker } from './circuit-breaker';

const FAILURES = 5;

describe('a circuit breaker', () => {
  let now: number;
  let breaker: CircuitBreaker;

  beforeEach(() => {
    now = 1_000_000;
    breaker = new CircuitBreaker(() => now);
  });

  const fail = (times = 1): void => {
    for (let i = 0; i < times; i++) breaker.failed(breaker.admit() as Admission);
  };

  it('opens after five failures in a row, and for a second', () => {
    fail(FAILURES - 1);
    expect([breaker.state, breaker.admit()]).toEqual(['closed', 'ordinary']);
    fail();
    expect([breaker.state, breaker.admit(), breaker.waitMs]).toEqual(['open', undefined, 1_000]);
    now += 999;
    expect(breaker.admit()).toBeUndefined();
  });

  it('does not open while answers come between', () => {
    for (let i = 0; i < 20; i++) {
      fail(FAILURES - 1);
      breaker.succeeded();
    }
    expect(breaker.state).toBe('closed');
  });

  it('lets one request try, and no other until that has ended', () => {
    fail(FAILURES);
    now += 1_000;
    expect([breaker.state, breaker.admit(), breaker.admit(), breaker.state]).toEqual([
      'half_open',
      'probe',
      undefined,
      'half_open',
    ]);
    breaker.succeeded();
    expect([breaker.state, breaker.admit(), breaker.admit()]).toEqual(['closed', 'ordinary', 'ordinary']);
  });

  it('waits twice as long after each try that fails, up to half a minute, and begins anew when one succeeds', () => {
    fail(FAILURES);
    for (const seconds of [2, 4, 8, 16, 30, 30]) {
      now += breaker.waitMs;
      expect(breaker.admit()).toBe('probe');
      breaker.failed('probe');
      expect(breaker.waitMs).toBe(seconds * 1_000);
    }
    now += 30_000;
    breaker.admit();
    breaker.succeeded();
    fail(FAILURES);
    expect(breaker.waitMs).toBe(1_000);
  });

  it('lets another try when the client of the first has gone', () => {
    fail(FAILURES);
    now += 1_000;
    breaker.abandoned(breaker.admit() as Admission);
    expect([breaker.admit(), breaker.admit()]).toEqual(['probe', undefined]);
  });

  it('hears nothing new from requests that were under way when it opened', () => {
    const underWay = Array.from({ length: 20 }, () => breaker.admit() as Admission);
    for (const admission of underWay) breaker.failed(admission);
    expect(breaker.waitMs).toBe(1_000);
    now += 1_000;
    expect(breaker.admit()).toBe('probe');
    breaker.abandoned('ordinary');
    expect(breaker.admit()).toBeUndefined();
  });

  it('closes by an answer that comes late', () => {
    const late = breaker.admit();
    fail(FAILURES);
    expect([late, breaker.state]).toEqual(['ordinary', 'open']);
    breaker.succeeded();
    expect(breaker.admit()).toBe('ordinary');
  });

  it('is never shut for good, and never lets two try at once, whatever happens', () => {
    const step = fc.oneof(fc.constantFrom('admit', 'fail', 'succeed', 'abandon'), fc.integer({ min: 1, max: 40_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let at = 0;
        const model = new CircuitBreaker(() => at);
        const under: Admission[] = [];
        for (const one of steps) {
          if (typeof one === 'number') at += one;
          else if (one === 'admit') {
            const admission = model.admit();
            if (admission) under.push(admission);
          } else {
            const admission = under.pop();
            if (!admission) continue;
            if (one === 'fail') model.failed(admission);
            else if (one === 'abandon') model.abandoned(admission);
            else model.succeeded();
          }
          // A probe that was let through before the breaker closed and opened again may still be under way.
        }
        for (const admission of under.splice(0)) model.failed(admission);
        at += 30_000;
        expect(model.admit()).toBeDefined();
      }),
    );
  });
});
