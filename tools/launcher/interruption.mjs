// @ts-check
/** Ctrl-C and its relatives: the first asks for an orderly end, the second for an end. */
import { Stopped } from './stopped.mjs';

/** How often we look whether npm still waits for us. */
const ORPHAN_MS = 250;

/** One Ctrl-C can arrive twice: from the terminal, and passed on by npm. */
const SAME_MS = 1_000;

/**
 * @param {import('./terminal.mjs').Terminal} terminal
 * @param {() => Promise<unknown>} force what to do the second time, before the process exits
 * @returns {AbortSignal} aborts the first time
 */
export function interruption(terminal, force) {
  const controller = new AbortController();
  let first = 0;
  const stop = () => {
    if (first === 0) {
      first = Date.now();
      terminal.print(`\n${terminal.dim('Stopping; once more to stop at once.')}`);
      controller.abort(new Stopped());
    } else if (Date.now() - first > SAME_MS) {
      void force().finally(() => process.exit(1));
    }
  };
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(name, stop);
  stopWithNpm(() => first === 0 && stop());
  return controller.signal;
}

/** npm that was killed cannot pass anything on; we then have another parent. @param {() => void} stop */
function stopWithNpm(stop) {
  if (!process.env['npm_lifecycle_event']) return;
  const npm = process.ppid;
  setInterval(() => process.ppid !== npm && stop(), ORPHAN_MS).unref();
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>} rejects with Stopped when the signal aborts
 */
export function untilAborted(signal) {
  const aborted = new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
  aborted.catch(() => {});
  return /** @type {Promise<never>} */ (aborted);
}
