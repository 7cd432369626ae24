import { RedisClock } from './clock';

const FAR = 1_700_000_000_000;

function ahead(clock: RedisClock): number {
  return Math.round(clock.now() - performance.now());
}

it('assumes that Redis answered half way between question and answer', () => {
  const clock = new RedisClock();
  expect(clock.now()).toBeNaN();
  clock.sync(FAR, 100, 110);
  expect(ahead(clock)).toBe(FAR - 105);
});

it('prefers the quick answer to the slow one, until the quick one is old', () => {
  const clock = new RedisClock();
  clock.sync(FAR, 0, 2);
  clock.sync(FAR + 5_000, 500, 700);
  expect(ahead(clock)).toBe(FAR - 1);
  clock.sync(FAR + 5_000, 15_000, 15_200);
  expect(ahead(clock)).toBe(FAR + 5_000 - 15_100);
});

it('takes the next answer as it is, after another Redis may have taken over', () => {
  const clock = new RedisClock();
  clock.sync(FAR, 0, 2);
  clock.distrust();
  clock.sync(FAR - 60_000, 500, 1_500);
  expect(ahead(clock)).toBe(FAR - 61_000);
});
