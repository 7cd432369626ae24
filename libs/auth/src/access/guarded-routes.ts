import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { requirementOf } from './requirement';

/** Refuses to start an app with a route that nobody decided about. */
@Injectable()
export class GuardedRoutes implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** @throws Error naming every route without `@StrictAuth`, `@InitialAuth`, `@OptionalAuth`, `@ScanPass` or `@Public` */
  onApplicationBootstrap(): void {
    const open = this.undecided();
    if (open.length > 0) throw new Error(`these routes do not say who may use them: ${open.join(', ')}`);
  }

  private undecided(): string[] {
    return this.discovery.getControllers().flatMap(({ metatype: controller }) => {
      if (!controller) return [];
      const methods = controller.prototype as Record<string, object>;
      return this.scanner
        .getAllMethodNames(methods)
        .filter((name) => isRoute(methods[name]) && !requirementOf(controller, methods[name] as object))
        .map((name) => `${controller.name}.${name}`);
    });
  }
}

function isRoute(method: object | undefined): boolean {
  return method !== undefined && Reflect.hasMetadata(METHOD_METADATA, method);
}
