/** What others have changed; `InvalidationSubscriber` of libs/messaging is one. */
export interface InvalidationSource {
  /** Whether everything that was changed more than a second ago is known. While it is false nothing kept may be used. */
  readonly fresh: boolean;
  listen(listener: InvalidationListener): void;
}

export interface InvalidationListener {
  event(type: string, data: Readonly<Record<string, unknown>>): void;
  /** Something may have changed unheard. */
  lost(): void;
}

/** How long anything is kept at most: the backstop, should an invalidation never come. */
export const KEPT_MS = 30_000;
