import { SHORT_ID } from './ids';

/** 54 bytes: when it expires, 32 random ones, and the tag of whoever made it. No character is padding, so each counts. */
export const SINGLE_USE_TOKEN = /^[A-Za-z0-9_-]{72}$/;

/** What a person types. */
export const SINGLE_USE_CODE = /^\d{6,10}$/;

/** A UUID (RFC 9562, version 8) in base64url; the activity trail names the token by the UUID. */
export const SINGLE_USE_TOKEN_ID = SHORT_ID;

export const SINGLE_USE_FORMATS = ['opaque', 'code'] as const;

export type SingleUseFormat = (typeof SINGLE_USE_FORMATS)[number];

/** A day. */
export const MAX_TOKEN_SECONDS = 86_400;

/** A million codes are soon tried; so they live no longer than wrong guesses are remembered. */
export const MAX_CODE_SECONDS = 900;

/** Most bytes of a payload, as JSON in UTF-8. */
export const MAX_PAYLOAD_BYTES = 4_096;

/** Whatever JSON can say. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };
