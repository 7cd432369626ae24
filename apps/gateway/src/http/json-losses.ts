import { DomainError, type FieldError } from '@puerta/contracts/core';

/** The parts of a JSON text that matter here: strings, with the colon after a name, numbers, and where objects are. */
const PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|[{}]/g;

/**
 * Refuses what `JSON.parse` would not keep: all but the last of equal names in an object (RFC 7493 2.3), since somebody
 * before us may have judged by the first, and the digits of a number that a double has no room for (RFC 7493 2.2).
 *
 * @param text good JSON
 * @throws DomainError `validation_failed`
 */
export function refuseLosses(text: string): void {
  const objects: Set<string>[] = [];
  for (const [part, string, colon, number] of text.matchAll(PARTS)) {
    if (part === '{') objects.push(new Set());
    else if (part === '}') objects.pop();
    else if (number !== undefined) refuseInexact(number);
    else if (colon !== undefined) refuseRepeated(JSON.parse(string as string) as string, objects.at(-1) as Set<string>);
  }
}

function refuseRepeated(name: string, names: Set<string>): void {
  if (names.has(name)) throw refusal({ field: name.slice(0, 100), code: 'repeated' });
  names.add(name);
}

function refuseInexact(number: string): void {
  const value = Number(number);
  const kept = /[.e]/i.test(number) ? Number.isFinite(value) : Number.isSafeInteger(value);
  const params = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  if (!kept) throw refusal({ field: '', code: 'out_of_range', params });
}

function refusal(error: FieldError): DomainError {
  return new DomainError('validation_failed', { errors: [error] });
}
