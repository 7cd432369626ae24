import type { CardPicture } from '@puerta/contracts';

/** The bytes of a picture, which came over the bus as text. */
export function bytesOf({ data }: CardPicture): Buffer {
  return Buffer.from(data, 'base64');
}
