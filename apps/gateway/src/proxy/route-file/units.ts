import type { Limit } from '../../routes/route-options';

const UNITS_MS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const UNITS_BYTES = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 } as const;

/** @returns the milliseconds of `250ms`, `5s`, `10m` or `1h`; undefined for anything else */
export function parseDuration(text: string): number | undefined {
  return parse(text, UNITS_MS);
}

/** @returns the bytes of `100 MiB`; undefined for anything else, also for `MB`, which means two things */
export function parseSize(text: string): number | undefined {
  return parse(text, UNITS_BYTES);
}

/** @returns the limit of `600 per 60s`, without a name; undefined for anything else */
export function parseRate(text: string): Omit<Limit, 'name'> | undefined {
  const [, count = '', time = ''] = /^(\d{1,9}) per (\w+)$/.exec(text) ?? [];
  const ms = parseDuration(time);
  return ms === undefined || ms % 1_000 !== 0 ? undefined : { count: Number(count), seconds: ms / 1_000 };
}

export function durationText(ms: number): string {
  return write(ms, UNITS_MS, '');
}

export function sizeText(bytes: number): string {
  return write(bytes, UNITS_BYTES, ' ');
}

export function rateText({ count, seconds }: Omit<Limit, 'name'>): string {
  return `${count} per ${durationText(seconds * 1_000)}`;
}

function parse<U extends Record<string, number>>(text: string, units: U): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,12}) ?([A-Za-z]+)$/.exec(text) ?? [];
  const size = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return size === undefined ? undefined : Number(digits) * size;
}

/** In the largest unit in which it is a whole number. */
function write<U extends Record<string, number>>(amount: number, units: U, space: string): string {
  const all = Object.entries(units);
  const [unit, size] = all.find(([, one]) => amount % one === 0 && amount >= one) ?? (all.at(-1) as [string, number]);
  return `${amount / size}${space}${unit}`;
}
