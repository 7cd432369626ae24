/** A good token, and how its maker would sign anything else. */
export interface Live {
  readonly token: string;
  /** Signs this header and this payload, as they are, with the genuine key. */
  readonly sign: (header: string | Buffer, payload: string | Buffer) => string;
}

export type Mutation = readonly [name: string, token: string];

export type Parts = readonly [header: string, payload: string, signature: string];

export const bytesOf = (part: string): Buffer => Buffer.from(part, 'base64url');

export const withPart = (parts: Parts, index: number, part: string): string => [...parts].with(index, part).join('.');
