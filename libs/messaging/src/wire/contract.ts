/** Lanes run side by side with a concurrency of their own, so that short work never waits behind long work. */
export const LANES = ['fast', 'heavy'] as const;

export type Lane = (typeof LANES)[number];

/** One question a service answers. */
export interface PatternSpec<Request extends object = object, Response extends object = object> {
  /** The class that data is validated against before a handler sees it. */
  readonly request: new () => Request;
  readonly lane: Lane;
  /** Services that may ask. */
  readonly callers: readonly string[];
  /** How it was asked in the last release, if otherwise: while a release is rolled out, old replicas ask so. Goes with the next one. */
  readonly before?: { readonly lane: Lane; readonly callers: readonly string[] };
  /** Carries the type of the reply; never set. */
  readonly response?: Response;
}

/** Everything a service may be asked over the bus. */
export interface ServiceContract {
  readonly name: string;
  readonly patterns: Readonly<Record<string, PatternSpec>>;
}

export type PatternOf<C extends ServiceContract> = keyof C['patterns'] & string;

export type RequestOf<C extends ServiceContract, P extends PatternOf<C>> = InstanceType<C['patterns'][P]['request']>;

export type ResponseOf<C extends ServiceContract, P extends PatternOf<C>> = NonNullable<C['patterns'][P]['response']>;

/** In which lanes, and by whom, a pattern is asked: now, and in the last release. */
export function waysOf(spec: PatternSpec): readonly Pick<PatternSpec, 'lane' | 'callers'>[] {
  return spec.before ? [spec, spec.before] : [spec];
}

/** The services that may ask anything in this lane: each has a stream there. */
export function callersOf(contract: ServiceContract, lane: Lane): string[] {
  const ways = Object.values(contract.patterns)
    .flatMap(waysOf)
    .filter((way) => way.lane === lane);
  return [...new Set(ways.flatMap(({ callers }) => callers))].sort();
}
