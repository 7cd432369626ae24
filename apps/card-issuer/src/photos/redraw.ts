import { DomainError } from '@puerta/contracts/core';
import sharp from 'sharp';

/** On a card of 300 dots an inch the photo is smaller; on a phone it fills the width. */
const WIDTH = 600;
const HEIGHT = 800;

/** More than phones take. A file of a few hundred bytes can say that it is a picture of gigabytes. */
const MOST_PIXELS = 64_000_000;
const MOST_SECONDS = 5;
const QUALITY = 85;

// Of all formats that the library reads, only these: each reader is a way in for whoever sends a broken file.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp'] });
// Calls are few and large: nothing is worth keeping between them, and one thread each leaves the others to the rest.
sharp.cache(false);
sharp.concurrency(1);

/**
 * Draws a photo anew: upright, not larger than is shown, as JPEG. Of the file that was sent nothing remains but what is
 * seen: no place, no time, no device, nothing that hides behind the picture.
 *
 * @throws DomainError `validation_failed` for what is no whole JPEG, PNG or WebP, or has too many pixels
 */
export async function redraw(file: Uint8Array): Promise<Buffer> {
  try {
    return await sharp(file, { limitInputPixels: MOST_PIXELS, failOn: 'error' })
      .autoOrient()
      .resize({ width: WIDTH, height: HEIGHT, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: QUALITY })
      .timeout({ seconds: MOST_SECONDS })
      .toBuffer();
  } catch (cause) {
    throw notAPhoto(cause);
  }
}

/** What the service says of a file that it cannot take for a photo. */
export function notAPhoto(cause?: unknown): DomainError {
  const params = { format: `a whole JPEG, PNG or WebP of at most ${MOST_PIXELS / 1_000_000} megapixels` };
  return new DomainError('validation_failed', { errors: [{ field: 'photo', code: 'bad_format', params }], cause });
}
