'use strict';

/**
 * The pass of this entry of the tab's history: the one that came with the page, else the one that came with it before it
 * was reloaded, or left and come back to. It rests where the tab alone keeps it until it is closed; the history, and
 * whatever is shared from here, has a number instead.
 */
globalThis.scanPass = (() => {
  /** When a pass ends, in seconds since 1970 by the server's clock; NaN for what is no pass. */
  const expiryOf = (pass) => {
    try {
      return JSON.parse(atob(pass.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).exp;
    } catch {
      return NaN;
    }
  };

  const STORED = 'puerta-scan-pass-';

  /** Nothing, where the browser is told to keep nothing. */
  const inTab = (use) => {
    try {
      return use(sessionStorage);
    } catch {
      return undefined;
    }
  };
  const isOver = (storage, key) => key.startsWith(STORED) && !(expiryOf(storage.getItem(key)) * 1000 > Date.now());

  const came =
    document.querySelector('meta[name="scan-pass"]').content || new URLSearchParams(location.search).get('token');
  const entry = came ? String(Date.now()) : history.state?.scan;
  history.replaceState(entry ? { scan: entry } : null, '', '/profile');
  if (came) {
    inTab((storage) => {
      for (const key of Object.keys(storage)) if (isOver(storage, key)) storage.removeItem(key);
      storage.setItem(STORED + entry, came);
    });
  }

  const value = came || inTab((storage) => storage.getItem(STORED + entry));
  return {
    value,
    /** In milliseconds since 1970. */
    ends: expiryOf(value) * 1000,
    forget: () => inTab((storage) => storage.removeItem(STORED + entry)),
  };
})();
