import { applyDecorators, type CustomDecorator, SetMetadata } from '@nestjs/common';

const SURFACE = 'puerta:surface';
const LIMITS = 'puerta:limits';
const PROBE = 'puerta:probe';
const FILE = 'puerta:file';

/** Whose content an answer is: data, our interactive documentation, or the page that shows a scanned card. */
export type Surface = 'api' | 'docs' | 'page';

/** How often something may happen: `count` at once, and that many again spread over each `seconds`. */
export interface Limit {
  /** Begins with a letter; shown in the RateLimit headers. */
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
  /**
   * Whether replicas may take a small share of it ahead, and remember that it is spent. Not of one that counts guesses, and not
   * of one that is given back.
   */
  readonly shared?: true;
}

/** The limits of a route besides those that hold everywhere, by whom they count. */
export interface RouteLimits {
  readonly perAddress: readonly Limit[];
  readonly perUser: readonly Limit[];
  readonly perCompany: readonly Limit[];
}

/** Of a controller or a route: whose content it serves, which decides about the policy browsers get. */
export const Serves = (surface: Surface): CustomDecorator => SetMetadata(SURFACE, surface);

/** Of a route: limits by address, besides the one that holds everywhere. */
export const Limited = (...limits: Limit[]): CustomDecorator => SetMetadata(LIMITS, limits);

/** Of a route that must answer whatever happens: orchestrators ask it, also while Redis is away. */
export const Unlimited = (): CustomDecorator => SetMetadata(LIMITS, 'none');

/** Of a route that orchestrators ask again and again: not limited, and logged only when it fails. */
export const Probe = (): MethodDecorator => applyDecorators(Unlimited(), SetMetadata(PROBE, true));

/** A file as the body of a request: handed to the route as it comes, and not read before. */
export interface FileBody {
  /** Which kinds, as content types; the bytes decide. */
  readonly types: readonly string[];
  /** Most bytes. */
  readonly limit: number;
}

/** Of a route whose body is a file. */
export const TakesFile = (body: FileBody): CustomDecorator => SetMetadata(FILE, body);

export function fileBodyOf(handler: object): FileBody | undefined {
  return Reflect.getMetadata(FILE, handler) as FileBody | undefined;
}

export function isProbe(handler: object): boolean {
  return Reflect.hasMetadata(PROBE, handler);
}

export function surfaceOf(controller: object, handler: object): Surface {
  return (read(SURFACE, controller, handler) ?? 'api') as Surface;
}

/** Undefined where nothing is limited. */
export function limitsOf(controller: object, handler: object): RouteLimits | undefined {
  const limits = read(LIMITS, controller, handler);
  return limits === 'none'
    ? undefined
    : { perAddress: (limits ?? []) as readonly Limit[], perUser: [], perCompany: [] };
}

/** Those of a route that is forwarded: of requests, none of which is a guess or is given back. */
export function sharedLimits(limits: { readonly [Whose in keyof RouteLimits]?: Limit }): RouteLimits {
  const of = (limit?: Limit): readonly Limit[] => (limit ? [{ ...limit, shared: true }] : []);
  return { perAddress: of(limits.perAddress), perUser: of(limits.perUser), perCompany: of(limits.perCompany) };
}

function read(key: string, controller: object, handler: object): unknown {
  return Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
}
