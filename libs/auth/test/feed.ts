import type { ChangeFeed, ChangeListener } from '../src/cache/change-feed';

/** A feed that says what a test wants it to say. */
export class TestFeed implements ChangeFeed {
  private readonly listeners: ChangeListener[] = [];

  constructor(public fresh = true) {}

  listen(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  tell(data: Readonly<Record<string, unknown>> = {}, type = 'user.changed'): void {
    for (const listener of this.listeners) listener.event(type, data);
  }

  lose(): void {
    for (const listener of this.listeners) listener.lost();
  }
}
