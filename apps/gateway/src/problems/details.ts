import type { DomainError, ErrorCode, FieldError } from '@puerta/contracts/core';
import { FIELD_ERRORS, type Texts } from './catalogue';
import type { Language } from './language';

/** One refused field, for programs (`code`) and for people (`message`). */
export interface ProblemField {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export function describeField({ field, code, params }: FieldError, language: Language): ProblemField {
  const message = FIELD_ERRORS[code][language].replace(/\{(\w+)\}/g, (_all, name: string) =>
    String(params?.[name] ?? ''),
  );
  return { field, code, message };
}

/** What a title leaves open; `{name}` stands for a fact of the error. */
const DETAILS: Partial<Record<ErrorCode, Texts>> = {
  method_not_allowed: { en: 'Allowed here: {allow}', es: 'Aquí se permite: {allow}' },
  payload_too_large: { en: 'At most {limit} bytes are accepted', es: 'Se aceptan como mucho {limit} bytes' },
  unsupported_media_type: {
    en: 'Send the body as {types}, not compressed',
    es: 'Envíe el cuerpo como {types}, sin comprimir',
  },
  too_many_requests: { en: 'Try again in {retry_after} s', es: 'Inténtelo de nuevo en {retry_after} s' },
  token_used: { en: 'It was used at {used_at}', es: 'Se usó en {used_at}' },
  too_many_attempts: { en: 'Try again in {retry_after} s', es: 'Inténtelo de nuevo en {retry_after} s' },
};

/** The sentence that says what is particular about this error; undefined where its title says it all. */
export function detailOf({ code, extra: { errors, meta } }: DomainError, language: Language): string | undefined {
  if (errors && errors.length > 0) {
    const shown = errors.slice(0, 3).map((error) => {
      const { field, message } = describeField(error, language);
      return `${field || 'body'} ${message}`;
    });
    return `${shown.join('; ')}${errors.length > shown.length ? '; …' : ''}`;
  }
  const detail = DETAILS[code]?.[language];
  return detail?.replace(/\{(\w+)\}/g, (_all, name: string) => String(meta?.[name] ?? '?'));
}
