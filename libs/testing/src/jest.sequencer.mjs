// @ts-check
import Sequencer from '@jest/test-sequencer';

/** Where suites start processes, or wait for what dies: each of them may take as long as ten others. */
const LONG = ['/apps/e2e/', '/tools/', '/libs/messaging/'];

/** The long suites begin first, so that no worker is left with one when the others have nothing to do any more. */
export default class extends Sequencer {
  /** @param {Parameters<Sequencer['sort']>[0]} tests */
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...LONG, ''].flatMap((place) => sorted.filter(({ path }) => placeOf(path) === place));
  }
}

/** @param {string} path */
function placeOf(path) {
  return LONG.find((place) => path.includes(place)) ?? '';
}
