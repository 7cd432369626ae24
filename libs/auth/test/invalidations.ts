import type { InvalidationSource, InvalidationListener } from '../src/invalidations/invalidation-source';

/** Invalidations that a test publishes itself. */
export class TestInvalidations implements InvalidationSource {
  private readonly listeners: InvalidationListener[] = [];

  constructor(public fresh = true) {}

  listen(listener: InvalidationListener): void {
    this.listeners.push(listener);
  }

  publish(data: Readonly<Record<string, unknown>> = {}, type = 'user.changed'): void {
    for (const listener of this.listeners) listener.event(type, data);
  }

  lose(): void {
    for (const listener of this.listeners) listener.lost();
  }
}
