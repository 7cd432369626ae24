import type { JsonValue, TokenBindingDto } from '@puerta/contracts';
import type { Binding } from './token-key';

/** What was said when a token was made. */
export interface Facts {
  readonly purpose: string | null;
  readonly payload: JsonValue;
  readonly created_by: string;
  readonly created_at: string;
}

/** Not said is said to be nothing: a token without a purpose is good for whoever names none. */
export function bindingOf({ purpose, subject }: TokenBindingDto): Binding {
  return { purpose: purpose ?? null, subject: subject ?? null };
}
