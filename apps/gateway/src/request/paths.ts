import { FILES_PATH } from '@puerta/storage';

const MAX_SHOWN = 200;

/** The path of a request's target, as it came. */
export function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? '';
}

/** Whether a path begins like the address in a card's QR code, however it is spelled. */
export function isScanPath(url: string): boolean {
  return /^\/+scan(?:\/|%2f)/i.test(pathOf(url));
}

/**
 * The path of a request for people who read a problem: without the query, which may hold a token, without a card's
 * code, which opens its profile, and without the word that opens a file.
 */
export function shownPath(url: string): string {
  if (isScanPath(url)) return '/scan';
  if (/^\/+files(?:\/|%2f)/i.test(pathOf(url))) return FILES_PATH;
  const path = pathOf(url);
  return path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path;
}
