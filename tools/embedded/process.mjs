// @ts-check
/**
 * Processes that must not outlive their owner, and must not be mistaken for others: a pid alone names nothing, since the
 * system gives it to somebody else once its process is gone.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from './files.mjs';

/**
 * What tells this process from every other that had or will have its pid: when it was started.
 *
 * @param {number} pid
 * @returns {string | undefined} undefined when no such process runs (a zombie does not run)
 */
export function identify(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may hold anything; proc(5): then field 3 is the state, field 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** @typedef {{ pid: number, identity: string | undefined, leaving?: boolean }} ProcessRecord */

/** @param {number} pid @returns {ProcessRecord} */
export function recordOf(pid) {
  return { pid, identity: identify(pid) };
}

/**
 * @param {ProcessRecord | undefined} record
 * @returns {boolean} whether the very process that was recorded still runs
 */
export function stillRuns(record) {
  return record?.identity !== undefined && identify(record.pid) === record.identity;
}

/** @param {string} file @param {number} pid */
export function writeRecord(file, pid) {
  writeWhole(file, JSON.stringify(recordOf(pid)));
}

/**
 * @param {string} file
 * @returns {ProcessRecord | undefined} undefined when there is none, or what is there is none
 * @throws when it cannot be read: the process that it names may run
 */
export function readRecord(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === undefined || code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read (${code})`, { cause: error });
  }
}

/**
 * Ends the process that an earlier, killed owner recorded in `file`, if that very process still runs.
 *
 * @param {string} file
 * @param {[NodeJS.Signals, number][]} steps signals in order, each with the milliseconds it is given
 */
export async function stopLeftover(file, steps) {
  const record = readRecord(file);
  if (record && stillRuns(record)) await signalUntilGone(record, steps);
  rmSync(file, { force: true });
}

/**
 * @param {ProcessRecord} record
 * @param {[NodeJS.Signals, number][]} steps signals in order, each with the milliseconds it is given
 * @throws when the process is still there after the last step
 */
export async function signalUntilGone(record, steps) {
  for (const [signal, ms] of steps) {
    if (!stillRuns(record)) return;
    try {
      process.kill(record.pid, signal);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return;
      throw new Error(`may not stop process ${record.pid}; was it started by another user?`, { cause: error });
    }
    for (const end = Date.now() + ms; Date.now() < end;) {
      if (!stillRuns(record)) return;
      await sleep(20);
    }
  }
  throw new Error(`process ${record.pid} does not stop`);
}

/**
 * Makes a child process end with this one, however this one ends: a shell waits for the pipe from us to close, which the
 * kernel does even after `kill -9`.
 *
 * @param {number} pid negative: a process group
 * @param {'INT' | 'QUIT' | 'TERM' | 'KILL'} signal what ends the child
 * @param {string} [folder] removed once the child is gone
 * @returns {() => void} call it when the child has ended
 */
export function endWithUs(pid, signal, folder = '') {
  const script = `
    read -r _
    kill -"$1" "$2" 2>/dev/null
    [ -n "$3" ] || exit 0
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$2" 2>/dev/null || break; sleep 0.1; done
    rm -rf -- "$3"`;
  // Of its own process group, or Ctrl-C would end the guard before the guarded.
  const guard = spawn('/bin/sh', ['-c', script, 'puerta-guard', signal, String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  /** @type {import('node:net').Socket} */ (guard.stdin).unref();
  return () => void guard.kill('SIGKILL');
}

/** Below the ports that systems give to outgoing connections, or one of these could take ours before we listen on it. */
const PORTS = { from: 20_000, to: 32_000 };

/**
 * @returns {Promise<number>} a TCP port that nobody listens on now
 * @throws when a hundred are not to be had: it is not that they are busy
 */
export async function freePort() {
  let problem;
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    problem = await portProblem(port);
    if (problem === undefined) return port;
  }
  throw new Error(`no port can be listened on (${problem})`);
}

/**
 * @param {number} port
 * @returns {Promise<string | undefined>} why it cannot be listened on (`EADDRINUSE`, `EACCES`); undefined when it can
 */
export function portProblem(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
