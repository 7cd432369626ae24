import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { DomainError, type FieldError } from '../core';
import type { RuleContext } from './rules';

/** No request of ours nests deeper; a body of 100,000 brackets is refused before anything recurses into it. */
const MAX_DEPTH = 8;

/** Own keys of these names reach prototypes in careless code. */
const TRICK_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Makes a DTO of untrusted data, at HTTP and again at the bus.
 *
 * @param type the DTO class; its decorators are the rules. Unknown fields are refused.
 * @param plain what came, parsed from JSON or a query string.
 * @returns an instance with normalised values.
 * @throws DomainError `validation_failed` with every refused field.
 */
export function validateDto<T extends object>(type: new () => T, plain: unknown): T {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw refused([{ field: '', code: 'wrong_type', params: { type: 'object' } }]);
  }
  const trick = findTrick(plain, '', 1);
  if (trick) throw refused([trick]);
  const dto = plainToInstance(type, plain);
  const errors = validateSync(dto, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: false,
    validationError: { target: false, value: true },
  });
  if (errors.length > 0) throw refused(errors.flatMap((error) => explain(error, '')));
  return dto;
}

function refused(errors: FieldError[]): DomainError {
  // 50 are enough to mend a form, and bound the answer to a body of a thousand unknown fields.
  return new DomainError('validation_failed', { errors: errors.slice(0, 50) });
}

function findTrick(value: object, path: string, depth: number): FieldError | undefined {
  if (depth > MAX_DEPTH) return { field: clip(path), code: 'too_deep' };
  for (const [key, child] of Object.entries(value)) {
    const at = path ? `${path}.${key}` : key;
    if (TRICK_KEYS.has(key)) return { field: clip(at), code: 'unknown_field' };
    if (typeof child === 'object' && child !== null) {
      const trick = findTrick(child, at, depth + 1);
      if (trick) return trick;
    }
  }
  return undefined;
}

function explain(error: ValidationError, path: string): FieldError[] {
  const at = clip(path ? `${path}.${error.property}` : error.property);
  const children = (error.children ?? []).flatMap((child) => explain(child, at));
  const names = Object.keys(error.constraints ?? {});
  if (names.length === 0) return children;
  if (names.includes('whitelistValidation')) return [{ field: at, code: 'unknown_field' }];
  if (error.value === undefined || error.value === null) return [{ field: at, code: 'required' }];
  const contexts = (error.contexts ?? {}) as Record<string, RuleContext>;
  const context = names.map((name) => contexts[name]).find((one) => one !== undefined);
  // ValidateNested alone failed: what should be an object is not.
  if (!context) return children.length > 0 ? children : [{ field: at, code: 'wrong_type', params: { type: 'object' } }];
  return [{ field: at, code: context.code, ...(context.params ? { params: context.params } : {}) }];
}

/** A field's name comes from the request; it is shown, but not at any length. */
function clip(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}…` : path;
}
