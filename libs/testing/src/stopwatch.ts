/** How often it looks whether this process is let run. */
const EVERY_MS = 10;

/** Timers are late by so much on any machine. */
const LATE_MS = 5;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

function worked(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/**
 * Counts the milliseconds that code has worked or waited, without those for which this process wanted a processor and
 * others had it: so an upper bound on how long something takes is as strict on a busy machine as on an idle one. For a lower
 * bound only the clock will do.
 *
 * @returns tells them; asked once
 */
export function stopwatch(): () => number {
  let [last, used, lost] = [now(), worked(), 0];
  const started = last;
  const look = (planned: number): void => {
    const before = { last, used };
    [last, used] = [now(), worked()];
    const stoodStill = last - before.last - planned - (used - before.used);
    if (stoodStill > LATE_MS) lost += stoodStill;
  };
  const timer = setInterval(look, EVERY_MS, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    look(Math.min(EVERY_MS, now() - last));
    return last - started - lost;
  };
}
