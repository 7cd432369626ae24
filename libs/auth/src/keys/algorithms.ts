/** RFC 7518 3.4 (`R || S`) and 3.2. A signature of another length is not passed on to the crypto library. */
export const SIGNATURE_BYTES = { ES256: 64, HS256: 32 } as const;

export type Algorithm = keyof typeof SIGNATURE_BYTES;
