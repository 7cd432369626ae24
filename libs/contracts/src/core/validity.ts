import type { FieldError } from './errors';

/** Nothing that we issue is valid for longer: a year further off is mistyped. */
export const MOST_VALID_YEARS = 50;

/**
 * Why nothing can be made valid until then: that time has passed, or is more than 50 years off.
 *
 * It is for the service that makes it so, when it does: whoever judged the same request at the door would refuse to who
 * asks again, after that time, the answer that they were given before.
 *
 * @param field the name of the field that says it
 * @returns undefined if it can
 */
export function refusalOfValidity(field: string, until: Date, now = new Date()): FieldError | undefined {
  const furthest = new Date(now);
  furthest.setUTCFullYear(now.getUTCFullYear() + MOST_VALID_YEARS);
  if (until > now && until <= furthest) return undefined;
  return { field, code: 'out_of_range', params: { min: now.toISOString(), max: furthest.toISOString() } };
}
