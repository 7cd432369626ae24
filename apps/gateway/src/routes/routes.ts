import { Injectable, type OnModuleInit, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type Requirement, requirementOf } from '@puerta/auth';
import { isBelow, type ProxyRoute } from './proxy-route';
import {
  type FileBody,
  fileBodyOf,
  isProbe,
  limitsOf,
  type RouteLimits,
  type Surface,
  surfaceOf,
} from './route-options';

/** One route, and all that is decided about it before its handler runs. */
export interface Route {
  readonly method: string;
  /** As Fastify has it: `/api/v1/cards/:card_id`. Safe to log: it holds no value. */
  readonly pattern: string;
  readonly requirement: Requirement;
  readonly surface: Surface;
  /** Besides the ones that hold everywhere; undefined where nothing is limited. */
  readonly limits: RouteLimits | undefined;
  readonly probe: boolean;
  readonly takesQuery: boolean;
  readonly takesBody: boolean;
  /** What file it takes as its body, if that is one. */
  readonly file: FileBody | undefined;
  /** Set on routes that are forwarded to a service behind the gateway. */
  readonly proxied?: ProxyRoute;
}

/** A route that the gateway serves itself. */
export interface OwnRoute extends Route {
  readonly controller: Type;
  readonly handler: object;
}

interface Argument {
  readonly index: number;
  readonly data?: unknown;
}

/**
 * All routes of the app, read from its controllers. What is not in here is not served: the early checks look a request
 * up by the route that Fastify chose, so the two cannot see different paths.
 */
@Injectable()
export class Routes implements OnModuleInit {
  #all: readonly OwnRoute[] = [];
  /** Those that are forwarded, for `Allow`. */
  proxied: readonly ProxyRoute[] = [];
  readonly #byKey = new Map<string, OwnRoute>();

  constructor(private readonly discovery: DiscoveryService) {}

  /** @throws Error naming a route without a requirement, or with an argument that nothing would validate. */
  onModuleInit(): void {
    this.#all = routesOf(this.discovery.getControllers().map(({ metatype }) => metatype as Type));
    for (const route of this.#all) this.#byKey.set(`${route.method} ${route.pattern}`, route);
  }

  get all(): readonly OwnRoute[] {
    return this.#all;
  }

  /** The route that Fastify chose. It serves HEAD by the handler of GET unless there is one of its own. */
  find(method: string, pattern: string | undefined): Route | undefined {
    if (pattern === undefined) return undefined;
    const own = this.#byKey.get(`${method} ${pattern}`);
    return own ?? (method === 'HEAD' ? this.#byKey.get(`GET ${pattern}`) : undefined);
  }

  /** The methods that a path may be asked with, for `Allow`; empty where there is nothing. */
  methodsAt(path: string): string[] {
    const methods = new Set(this.#all.filter(({ pattern }) => matches(pattern, path)).map(({ method }) => method));
    const owners = this.proxied.filter(({ prefix }) => isBelow(path, prefix));
    for (const { methods: some } of owners) for (const method of some) methods.add(method);
    if (methods.has('GET')) methods.add('HEAD');
    if (methods.size > 0) methods.add('OPTIONS');
    return [...methods].sort();
  }
}

/**
 * The routes of controllers, read from their decorators: for what must know them without an app.
 * @throws Error naming a route without a requirement, or with an argument that nothing would validate
 */
export function routesOf(controllers: readonly Type[]): OwnRoute[] {
  const scanner = new MetadataScanner();
  return controllers.flatMap((controller) => {
    const methods = controller.prototype as Record<string, object>;
    return scanner.getAllMethodNames(methods).flatMap((name) => {
      const handler = methods[name] as object;
      const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
      return method === undefined ? [] : [routeOf(controller, name, handler, method)];
    });
  });
}

function routeOf(controller: Type, name: string, handler: object, method: RequestMethod): OwnRoute {
  const requirement = requirementOf(controller, handler);
  if (!requirement) throw new Error(`${controller.name}.${name} does not say who may use it`);
  checkArguments(controller, name, RouteParamtypes.PARAM);
  const file = fileBodyOf(handler);
  return {
    method: RequestMethod[method],
    pattern: join(pathOf(controller), pathOf(handler)),
    controller,
    handler,
    requirement,
    surface: surfaceOf(controller, handler),
    limits: limitsOf(controller, handler),
    probe: isProbe(handler),
    takesQuery: checkArguments(controller, name, RouteParamtypes.QUERY),
    takesBody: checkArguments(controller, name, RouteParamtypes.BODY) || file !== undefined,
    file,
  };
}

/** The part of a pattern that stands for any rest of a path. */
const REST = '*';

/** Whether a route is part of the API proper, where nothing is accepted that is not understood. */
export function isApi({ pattern }: Pick<Route, 'pattern'>): boolean {
  return pattern.startsWith('/api/');
}

function pathOf(target: object): string {
  const path: unknown = Reflect.getMetadata(PATH_METADATA, target);
  if (typeof path !== 'string') throw new Error('a controller or route has one path each, a string');
  return path;
}

function join(...parts: string[]): string {
  return `/${parts
    .map((part) => part.replace(/^\/|\/$/g, ''))
    .filter(Boolean)
    .join('/')}`;
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith(':') || part === REST ? given[i] !== '' : part === given[i]))
  );
}

/**
 * Whether a handler takes this kind of argument. It must do so as a DTO: a single field (`@Query('limit')`) or a type
 * that left no class behind (an interface, or a DTO imported with `import type`) would be passed on unvalidated.
 */
function checkArguments(controller: Type, name: string, kind: RouteParamtypes): boolean {
  const all = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, Argument>;
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, name) ?? []) as unknown[];
  const unvalidated: readonly unknown[] = [undefined, Object, String, Number, Boolean, Array];
  const taken = Object.entries(all).filter(([key]) => key.startsWith(`${kind}:`));
  for (const [, { index, data }] of taken) {
    if (data !== undefined || unvalidated.includes(types[index])) {
      throw new Error(`${controller.name}.${name} takes an argument that is no DTO class`);
    }
  }
  return taken.length > 0;
}
