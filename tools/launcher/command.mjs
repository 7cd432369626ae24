// @ts-check
/** Runs a command to its end, and not longer than we live. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs } from '../embedded/process.mjs';
import { Stopped } from './stopped.mjs';

/** What is no help to whoever looks for why it failed: each request of npm's. */
const NOISE = /^npm http /;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, signal?: AbortSignal, onLine?: (line: string) => void }} options
 *   `signal` ends it with all its children
 * @returns {Promise<void>}
 * @throws with the end of its output when it fails; Stopped when `signal` ended it
 */
export async function runQuietly(command, args, { cwd, env = process.env, signal, onLine = () => {} }) {
  signal?.throwIfAborted();
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      onLine(line);
      if (!NOISE.test(line)) tail = `${tail}${line}\n`.slice(-6000);
    });
  }
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (child.pid === undefined) return void (await ended);

  const group = -child.pid;
  // Not asked to end but ended: npm would first undo what it has done, for half a minute, under the feet of the next start.
  const letGo = endWithUs(group, 'KILL');
  const stop = () => kill(group);
  signal?.addEventListener('abort', stop);
  const code = await ended;
  signal?.removeEventListener('abort', stop);
  letGo();
  if (signal?.aborted) throw new Stopped();
  if (code !== 0) throw new Error(`"${[command, ...args].join(' ')}" failed:\n${tail.trim()}`);
}

/** @param {number} group of processes */
function kill(group) {
  try {
    process.kill(group, 'SIGKILL');
  } catch {
    // gone already
  }
}
