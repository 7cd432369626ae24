import fc from 'fast-check';
import { anyCharacter } from '@puerta/testing';
import { type Lane, LANES } from '../src';

/** How a handler ends: it answers, refuses with a code of its own, or fails in a way that nobody foresaw. */
export const ENDINGS = ['answer', 'refuse', 'fail'] as const;

export type Ending = (typeof ENDINGS)[number];

/** Something that happens to a bus. Numbers like `who` choose among those that are there. */
export type Step =
  | {
      readonly do: 'ask';
      readonly calls: number;
      readonly who: number;
      readonly lane: Lane;
      readonly ttl: number;
      readonly work: number;
      readonly ending: Ending;
      readonly key: string | undefined;
    }
  | { readonly do: 'start' }
  | { readonly do: 'stop'; readonly who: number }
  | { readonly do: 'kill'; readonly who: number }
  | { readonly do: 'cut'; readonly whose: 'client' | 'replica'; readonly who: number }
  | { readonly do: 'empty' }
  | { readonly do: 'junk'; readonly fields: readonly (readonly [string, string])[] }
  | { readonly do: 'wait'; readonly ms: number };

export interface Scenario {
  readonly replicas: number;
  /** For so long before anything happens: replicas that have been there for a lease judge others, younger ones do not. */
  readonly age: number;
  readonly maxStreamLength: number;
  readonly steps: readonly Step[];
}

const who = fc.nat({ max: 7 });

const ask = fc.record({
  do: fc.constant('ask' as const),
  calls: fc.integer({ min: 1, max: 12 }),
  who,
  lane: fc.constantFrom(...LANES),
  ttl: fc.constantFrom(300, 1_500, 7_500),
  work: fc.constantFrom(0, 0, 20, 150, 900, 2_500),
  ending: fc.constantFrom('answer', 'answer', ...ENDINGS),
  key: fc.constantFrom(undefined, undefined, 'key-1', 'key-2'),
});

/** Nearly messages: the right fields, or others, with anything in them. */
const junk = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom('head', 'sealed', 'ttl'), fc.string({ unit: anyCharacter, maxLength: 9 })),
    fc.oneof(
      fc.constantFrom('work.do', '{}', '[]', '500', 'me'),
      fc.uuid(),
      fc.string({ unit: anyCharacter, maxLength: 60 }),
    ),
  ),
  { minLength: 1, maxLength: 7 },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: ask },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 30, 150, 600, 1_200) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('cut' as const), whose: fc.constantFrom('client', 'replica'), who }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('empty' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('junk' as const), fields: junk }) },
);

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  replicas: fc.integer({ min: 0, max: 3 }),
  age: fc.constantFrom(0, 5_300),
  maxStreamLength: fc.constantFrom(10, 10_000),
  steps: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
});
