import { DomainError, type FieldError } from '@puerta/contracts/core';

/** The parts of a JSON text that matter here: strings, with the colon after a name, numbers, and where objects are. */
const PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|[{}]/g;

/** So many characters of a field's path are told. */
const LONGEST_FIELD = 100;

/**
 * Refuses what `JSON.parse` would not keep: all but the last of equal names in an object (RFC 7493 2.3), since somebody
 * before us may have judged by the first, and the digits of a number that a double has no room for (RFC 7493 2.2).
 *
 * @param text good JSON
 * @throws DomainError `validation_failed`
 */
export function refuseLosses(text: string): void {
  const objects: NamedObject[] = [];
  for (const [part, string, colon, number] of text.matchAll(PARTS)) {
    if (part === '{') objects.push({ names: new Set(), name: '' });
    else if (part === '}') objects.pop();
    else if (number !== undefined) refuseInexact(number, objects);
    else if (colon !== undefined) refuseRepeated(JSON.parse(string as string) as string, objects);
  }
}

/** An object that is being read. */
interface NamedObject {
  readonly names: Set<string>;
  /** The last one. */
  name: string;
}

function refuseRepeated(name: string, objects: readonly NamedObject[]): void {
  const object = objects.at(-1) as NamedObject;
  object.name = name;
  if (object.names.has(name)) throw refusal({ field: fieldOf(objects), code: 'repeated' });
  object.names.add(name);
}

function refuseInexact(number: string, objects: readonly NamedObject[]): void {
  const value = Number(number);
  const kept = /[.e]/i.test(number) ? Number.isFinite(value) : Number.isSafeInteger(value);
  const params = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  if (!kept) throw refusal({ field: fieldOf(objects), code: 'out_of_range', params });
}

function fieldOf(objects: readonly NamedObject[]): string {
  const path = objects.map(({ name }) => name).join('.');
  return path.slice(0, LONGEST_FIELD);
}

function refusal(error: FieldError): DomainError {
  return new DomainError('validation_failed', { errors: [error] });
}
