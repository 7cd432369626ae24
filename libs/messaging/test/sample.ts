import { type PatternSpec } from '../src';

export class Work {
  key: string;
  wait_ms?: number;
  text?: string;
}

export interface Done {
  readonly key: string;
  readonly replica: string;
}

const work = (lane: 'fast' | 'heavy', ...callers: string[]): PatternSpec<Work, Done> => ({
  request: Work,
  lane,
  callers,
});

/** A service to test with. */
export const sampleContract = {
  name: 'sample',
  patterns: {
    'work.do': work('fast', 'tester', 'gateway'),
    'work.burn': work('heavy', 'tester'),
    'work.secret': work('fast', 'gateway'),
  },
} as const;

export type SampleContract = Omit<typeof sampleContract, 'name'> & { readonly name: string };

/** A service like it under another name, hence in another hash slot. */
export function sampleContractOf(name: string): SampleContract {
  return { ...sampleContract, name };
}
