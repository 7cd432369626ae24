/** 128 bits in canonical base64url: the last character has two of them, its others are zero. */
export const SHORT_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** A UUID in its canonical lower-case form. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
