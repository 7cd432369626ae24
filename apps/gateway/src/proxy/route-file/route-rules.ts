import { durationText } from './units';
import type { FieldFault, WrittenRoute } from './route-fields';

/** What the fields of one route may not say together, and what must be said. */
export function faultsTogether(raw: Readonly<Record<string, unknown>>, route: WrittenRoute): FieldFault[] {
  const faults: FieldFault[] = [];
  const fault = (path: FieldFault['path'], what: string): void => void faults.push({ path, key: false, what });

  for (const field of ['name', 'prefix', 'guard']) {
    if (!(field in raw)) fault([], `does not say its ${field}`);
  }
  if (!('targets' in raw) && !('target' in raw)) fault([], 'does not say its targets');
  if ('targets' in raw && 'target' in raw) fault(['target'], 'stands beside targets; one of them is enough');

  const { guard, timeouts = {}, limits = {} } = route;
  if (guard !== undefined && guard !== 'strict') {
    if (route.least_role !== undefined) fault(['least_role'], 'needs guard: strict, which alone knows a role');
    if (limits.per_company) fault(['limits', 'per_company'], 'needs guard: strict, which alone knows a company');
  }
  if (guard === 'public') {
    if (route.assertion === true) fault(['assertion'], 'needs a guard: on a public route nobody is known');
    if (limits.per_user) fault(['limits', 'per_user'], 'needs a guard: on a public route nobody is known');
  }
  for (const part of ['connect', 'headers'] as const) {
    const [ms, whole] = [timeouts[part], timeouts.whole];
    if (ms !== undefined && whole !== undefined && whole < ms) {
      fault(['timeouts', 'whole'], `is less than ${part} (${durationText(ms)})`);
    }
  }
  return faults;
}
