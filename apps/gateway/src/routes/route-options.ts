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

export function limitsOf(controller: object, handler: object): readonly Limit[] | undefined {
  const limits = read(LIMITS, controller, handler);
  return limits === 'none' ? undefined : ((limits ?? []) as Limit[]);
}

function read(key: string, controller: object, handler: object): unknown {
  return Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
}
