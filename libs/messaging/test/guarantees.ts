import { type Bench } from './harness';
import { type Scenario } from './scenario';
import { type Asked, CONCURRENCY, type Run, World } from './world';

/** The sweep and the slack of a call (see `pending-calls`), and the timer that measures. */
const LATE_MS = 400;

/** How a call whose handler ends so may end. */
const SOUND: Readonly<Record<Asked['ending'], string>> = { answer: 'ok', refuse: 'refused', fail: 'internal' };

/** Plays a scenario and holds what happened against what the README of this library promises. */
export async function expectGuarantees(bench: Bench, scenario: Scenario): Promise<void> {
  const world = new World(bench, scenario);
  try {
    await world.play();
    for (const call of world.calls) judgeCall(world, call);
    judgeRuns(world.runs);
    judgeAnswers(world);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}\n\nWhat happened:\n${world.timeline.join('\n')}`, { cause: error });
  } finally {
    world.finish();
  }
}

function judgeCall(world: World, call: Asked): void {
  const { name, code, ms, ttl } = call;
  const runs = world.runs.filter((run) => run.call === name);
  require(ms <= ttl + LATE_MS + world.standstill, 'it settles by its time to live', call, runs);
  require([SOUND[call.ending], 'service_unavailable', 'overloaded', 'outcome_unknown'].includes(
    code,
  ), 'it ends as it may', call, runs);
  if (code === 'service_unavailable' || code === 'overloaded') require(runs.length === 0, 'it never ran', call, runs);
  if (code === SOUND[call.ending]) require(runs.length > 0, 'it ran', call, runs);
  require(new Set(runs.map((run) => run.message)).size <= 1, 'it is one message, however often it runs', call, runs);
  const effects = [...world.effects.entries()].filter(([, effect]) => effect.call === name);
  require(effects.length <= 1, 'it has one effect at most', call, effects);
  if (code !== 'ok') return;
  const { name: effect } = world.effects.get(call.key ?? runs[0]?.message ?? '') ?? {};
  require(call.effect !== undefined && call.effect === effect, 'it is told of the one effect', call, effect);
}

/** Of several runs of a message each but the last ended with its replica, before the next began. */
function judgeRuns(runs: readonly Run[]): void {
  const last = new Map<string, Run>();
  for (const run of runs) {
    require(run.atOnce <= CONCURRENCY[run.lane], 'a lane runs no more at once than it may', run);
    const before = last.get(run.message);
    if (before) require(before.replica.killed <= run.began, 'what a living replica has, no other runs', before, run);
    last.set(run.message, run);
  }
}

function judgeAnswers(world: World): void {
  for (const call of world.calls) {
    const id = world.runs.find((run) => run.call === call.name)?.message ?? '';
    const channels = [...(world.answers.get(id) ?? [])];
    require(channels.every(
      (channel) => channel === world.channelOf(call.client),
    ), 'only who asked is answered', call, channels);
  }
}

/** Connections and whole applications, which say nothing here. */
const HIDDEN = new Set(['client', 'started']);

/** Jest's `expect` is slow at what is checked thousands of times, and says less. */
function require(condition: boolean, sentence: string, ...about: unknown[]): void {
  if (condition) return;
  const shown = JSON.stringify(about, (key, value: unknown) => (HIDDEN.has(key) ? undefined : value), 1);
  throw new Error(`not so: ${sentence}\n${shown}`);
}
