import { isEmail } from 'class-validator';
import {
  canonicalEmail,
  hasDomain,
  LEAST_PASSWORD,
  LONGEST_EMAIL,
  LONGEST_PASSWORD,
  mixesScripts,
  readableEmail,
} from '../core';
import { field, type FieldOptions, type Rule } from './rules';

/**
 * Control characters (none is ever wanted in a name or a title), bidirectional overrides and isolates, which make a
 * text read as something else (UAX #9, "Trojan Source"), the line and paragraph separators, and lone surrogates, which
 * no UTF-8 column can hold.
 */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\ufeff]/u;

const isString: Rule = { code: 'wrong_type', params: { type: 'string' }, test: (value) => typeof value === 'string' };

const isClean: Rule = { code: 'forbidden_characters', test: (value) => !FORBIDDEN.test(value as string) };

/** Zero-width spaces, fillers, tags: what nobody sees makes another e-mail of the same one. */
const isVisible: Rule = {
  code: 'forbidden_characters',
  test: (value) => !/[\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(value as string),
};

/** In names they are needed (emoji, Persian), but a name is more than that. */
const hasVisible = (min: number): Rule => ({
  code: 'too_short',
  params: { min },
  test: (value) => min === 0 || /[^\p{Cf}\p{Default_Ignorable_Code_Point}\p{Z}\p{M}]/u.test(value as string),
});

const length = (value: unknown): number => [...(value as string)].length;
const atLeast = (min: number): Rule => ({ code: 'too_short', params: { min }, test: (value) => length(value) >= min });
const atMost = (max: number): Rule => ({
  code: 'too_long',
  params: { max },
  // The cheap bound first: a code point is one or two UTF-16 units, and a megabyte need not be spread into an array.
  test: (value) => (value as string).length <= 2 * max && length(value) <= max,
});

/** Nothing that is longer than this, times the longest that is allowed, gets short enough by composition. */
const LEAST_COMPOSED = 8;

/**
 * Canonical composition, unless the text is too long in any case: composing costs the square of a run of combining marks
 * (measured: 350 ms for the 60 KB that a body may have), before any rule has looked at it.
 */
const compose = (text: string, max: number): string =>
  text.length > LEAST_COMPOSED * max ? text : text.normalize('NFC');

/** And no white space around: what looks the same is the same. */
const tidy = (text: string, max: number): string => compose(text.trim(), max);

const ofText =
  (change: (text: string) => string) =>
  (value: unknown): unknown =>
    typeof value === 'string' ? change(value) : value;

export interface TextOptions extends FieldOptions {
  /** Fewest characters (code points), 1 unless told. */
  readonly min?: number;
  /** Most characters (code points). */
  readonly max: number;
  /** A form the whole text must have; `format` names it to the reader. */
  readonly pattern?: RegExp;
  readonly format?: string;
}

const hasForm = (pattern: RegExp, format: string): Rule => ({
  code: 'bad_format',
  params: { format },
  test: (value) => pattern.test(value as string),
});

/** The one rule for every string field: NFC, trimmed, no control or bidirectional-override characters, a length. */
export function Text({ min = 1, max, pattern, format = 'this field', ...options }: TextOptions): PropertyDecorator {
  const rules = [isString, atMost(max), isClean, atLeast(min), hasVisible(min)];
  if (pattern) rules.push(hasForm(pattern, format));
  return field(
    rules,
    options,
    {
      type: String,
      minLength: min,
      maxLength: max,
      ...(pattern ? { pattern: pattern.source } : {}),
    },
    ofText((text) => tidy(text, max)),
  );
}

/** A secret that we made and somebody presents: taken as it is, for whatever differs is another one. */
export function Presented({ max, pattern, format = 'this field', ...options }: TextOptions): PropertyDecorator {
  const rules = [isString, atMost(max), atLeast(1), ...(pattern ? [hasForm(pattern, format)] : [])];
  const api = { type: String, minLength: 1, maxLength: max, ...(pattern ? { pattern: pattern.source } : {}) };
  return field(rules, options, api);
}

/** An e-mail address that somebody gives: it is kept as `readableEmail` writes it, and compared by `canonicalEmail`. */
export function Email(options: FieldOptions = {}): PropertyDecorator {
  return email(
    [
      // A quoted local part is one more spelling of the plain one.
      {
        ...isAddress,
        test: (value) => hasDomain(value as string) && isEmail(canonicalEmail(value as string), UNQUOTED),
      },
      { code: 'mixed_scripts', test: (value) => !mixesScripts(value as string) },
    ],
    options,
  );
}

/** One that was given before, perhaps under rules that were less strict: whoever has it can still be spoken of. */
export function KnownEmail(options: FieldOptions = {}): PropertyDecorator {
  return email([{ ...isAddress, test: (value) => isEmail(value) }], options);
}

const isAddress = { code: 'bad_format', params: { format: 'e-mail' } } as const;
const UNQUOTED = { blacklisted_chars: '"' };

function email(rules: readonly Rule[], options: FieldOptions): PropertyDecorator {
  return field(
    [isString, atMost(LONGEST_EMAIL), isClean, isVisible, ...rules],
    { example: 'ana@example.com', ...options },
    { type: String, format: 'email', maxLength: LONGEST_EMAIL },
    ofText(readableEmail),
  );
}

/**
 * A password being chosen: 10 to 128 characters, as typed (NFC, not trimmed: spaces count; NIST SP 800-63B 3.1.1.2). Whether it
 * is easily guessed the identity service says, which knows whose it is.
 */
export function NewPassword(options: FieldOptions = {}): PropertyDecorator {
  return password(LEAST_PASSWORD, options);
}

/** A password being presented. It is judged by its hash alone. */
export function Password(options: FieldOptions = {}): PropertyDecorator {
  return password(1, options);
}

function password(min: number, options: FieldOptions): PropertyDecorator {
  return field(
    [isString, atMost(LONGEST_PASSWORD), isClean, atLeast(min)],
    { example: 'correct horse battery staple', ...options },
    { type: String, format: 'password', minLength: min, maxLength: LONGEST_PASSWORD },
    ofText((text) => compose(text, LONGEST_PASSWORD)),
  );
}
