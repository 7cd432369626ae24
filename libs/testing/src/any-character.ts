import fc from 'fast-check';

/** Below the surrogates, and above them. */
const SURROGATES = { first: 0xd800, count: 0x800 };

/** Any character, as `fc.string` has them with the unit `binary`: for that it makes a table of all first, which takes seconds. */
export const anyCharacter = fc
  .nat(0x10ffff - SURROGATES.count)
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count));
