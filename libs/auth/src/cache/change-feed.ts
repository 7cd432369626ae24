/** Word of what others have changed; `FeedReader` of libs/messaging is one. */
export interface ChangeFeed {
  /** Whether everything that was changed more than a second ago is known. While it is false nothing kept may be used. */
  readonly fresh: boolean;
  listen(listener: ChangeListener): void;
}

export interface ChangeListener {
  event(type: string, data: Readonly<Record<string, unknown>>): void;
  /** Something may have changed unheard. */
  lost(): void;
}

/** How long anything is kept at most: the backstop, should word of a change never come. */
export const KEPT_MS = 30_000;
