// @ts-check
/**
 * What each suite costs, the dearest first: `npx jest --runInBand --reporters=./libs/testing/src/jest.costs.mjs`. CPU time is
 * that of the whole process tree, so the figures hold on a busy machine, where wall time says little.
 */
import { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Linux counts in hundredths of a second. */
const TICKS = 100;

/** @typedef {{ path: string, cpu: number, wall: number, starts: number, tests: number, failed: number }} Cost */

export default class Costs {
  /** @type {Cost[]} */
  #costs = [];
  #starts = countStarts();
  #begun = { cpu: 0, wall: 0, starts: 0 };

  onTestFileStart() {
    this.#begun = { cpu: cpuSeconds(), wall: Date.now(), starts: this.#starts() };
  }

  /**
   * @param {unknown} _
   * @param {import('@jest/reporters').TestResult} result
   */
  onTestFileResult(_, { testFilePath, numPassingTests, numFailingTests, failureMessage }) {
    if (failureMessage) console.log(failureMessage);
    const cost = {
      path: relative(process.cwd(), testFilePath),
      cpu: cpuSeconds() - this.#begun.cpu,
      wall: (Date.now() - this.#begun.wall) / 1000,
      starts: this.#starts() - this.#begun.starts,
      tests: numPassingTests + numFailingTests,
      failed: numFailingTests,
    };
    this.#costs.push(cost);
    console.log(line(cost));
  }

  onRunComplete() {
    const sum = (/** @type {'cpu' | 'wall' | 'starts' | 'tests' | 'failed'} */ of) =>
      this.#costs.reduce((all, cost) => all + cost[of], 0);
    console.log('\n| CPU s | wall s | processes | tests | suite |\n| ---: | ---: | ---: | ---: | --- |');
    for (const cost of this.#costs.sort((one, other) => other.cpu - one.cpu)) console.log(line(cost));
    console.log(
      line({
        path: 'all',
        cpu: sum('cpu'),
        wall: sum('wall'),
        starts: sum('starts'),
        tests: sum('tests'),
        failed: sum('failed'),
      }),
    );
  }
}

/** @param {Cost} cost */
function line({ path, cpu, wall, starts, tests, failed }) {
  return `| ${cpu.toFixed(1)} | ${wall.toFixed(1)} | ${starts} | ${tests} | ${path}${failed ? ` (${failed} failed)` : ''} |`;
}

/** @returns {() => number} how many processes this one has started since, those of its children not counted */
function countStarts() {
  let starts = 0;
  const proto = /** @type {{ spawn: (...args: unknown[]) => unknown }} */ (
    /** @type {unknown} */ (ChildProcess.prototype)
  );
  const { spawn } = proto;
  proto.spawn = function counted(...args) {
    starts += 1;
    return spawn.apply(this, args);
  };
  return () => starts;
}

/** @returns {number} what this process and all that came from it have used */
function cpuSeconds() {
  /** @type {Map<number, { parent: number, ticks: number }>} */
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
        .map(Number);
      processes.set(Number(name), {
        parent: fields[1] ?? 0,
        ticks: fields.slice(11, 15).reduce((one, other) => one + other, 0),
      });
    } catch {
      // It has ended meanwhile, and its parent's figures hold its own.
    }
  }
  const ours = (/** @type {number} */ pid) => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, process] of processes) if (ours(pid)) ticks += process.ticks;
  return ticks / TICKS;
}
