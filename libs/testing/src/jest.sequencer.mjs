// @ts-check
import Sequencer from '@jest/test-sequencer';

/** What suites take, in seconds, where that is not what most do; the first that a path has in it counts. */
const SECONDS = {
  '/apps/e2e/src/two-of-each': 45,
  '/apps/e2e/src/one-of-each': 35,
  '/apps/e2e/': 20,
  '/tools/': 8,
  '/libs/messaging/': 8,
  '/libs/storage/': 8,
  '/libs/jobs/': 8,
  '/libs/database/': 5,
};
const OTHERS_SECONDS = 2;

/** Where suites wait for what dies, for most of their time. */
const WAITING = /^\/libs\/(messaging|storage|jobs|database)\/$/;

/**
 * The long suites begin first, so that no worker is left with one when the others have nothing to do any more. One of three
 * at a time is one that waits, so that the processors are neither idle, nor wanted by more than they are.
 */
export default class extends Sequencer {
  /** @param {Parameters<Sequencer['sort']>[0]} tests */
  async sort(tests) {
    const sorted = (await super.sort(tests)).map((test) => ({ test, place: placeOf(test.path) }));
    sorted.sort((one, other) => secondsOf(other.place) - secondsOf(one.place));
    const [waiting, busy] = [true, false].map((waits) => sorted.filter(({ place }) => WAITING.test(place) === waits));
    return merge(waiting ?? [], busy ?? []).map(({ test }) => test);
  }
}

/**
 * @template {{ place: string }} Suite
 * @param {Suite[]} waiting
 * @param {Suite[]} busy
 * @returns {Suite[]} in the order in which one worker that takes the first and two that take the second would begin them
 */
function merge(waiting, busy) {
  const lanes = [busy, busy, waiting].map((suites) => ({ suites, until: 0 }));
  /** @type {Suite[]} */
  const order = [];
  for (;;) {
    const [lane] = lanes.filter(({ suites }) => suites.length > 0).sort((one, other) => one.until - other.until);
    const suite = lane?.suites.shift();
    if (!lane || !suite) return order;
    order.push(suite);
    lane.until += secondsOf(suite.place);
  }
}

/** @param {string} path */
function placeOf(path) {
  return Object.keys(SECONDS).find((place) => path.includes(place)) ?? '';
}

/** @param {string} place */
function secondsOf(place) {
  return SECONDS[/** @type {keyof typeof SECONDS} */ (place)] ?? OTHERS_SECONDS;
}
