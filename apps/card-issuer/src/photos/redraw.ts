import { DomainError } from '@puerta/contracts/core';
import type { Metadata } from 'sharp';

/** On a card of 300 dots an inch the photo is smaller; on a phone it fills the width. */
const WIDTH = 600;
const HEIGHT = 800;

/** More than phones take. A file of a few hundred bytes can say that it is a picture of gigabytes. */
const MOST_PIXELS = 64_000_000;
/**
 * Of a picture that is decoded whole before its first line is known; others are drawn as they are read. With it the
 * dearest picture that passes takes 135 MB and 1 s of CPU (an interlaced PNG of 16 bits a sample; a plain one of 64
 * megapixels); docs/security.md has the figures.
 */
const MOST_HELD_BYTES = 100_000_000;
const MOST_SECONDS = 5;
const QUALITY = 85;

/** Loaded with the first photo: it takes 12 MB. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  // Of all formats that the library reads, only these: each reader is a way in for whoever sends a broken file.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp'] });
  // Calls are few and large: nothing is worth keeping between them, and one thread each leaves the others to the rest.
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
}

let library: ReturnType<typeof loadSharp> | undefined;

/**
 * Draws a photo anew: upright, not larger than is shown, as JPEG. Of the file that was sent nothing remains but what is
 * seen: no place, no time, no device, nothing that hides behind the picture.
 *
 * @throws DomainError `validation_failed` for what is no whole JPEG, PNG or WebP, has too many pixels, or would be held
 *   whole in too much memory
 */
export async function redraw(file: Uint8Array): Promise<Buffer> {
  const sharp = await (library ??= loadSharp());
  try {
    expectToHold(await sharp(file, { failOn: 'error' }).metadata());
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

/** From the header alone: once the decoder is at work on the whole of a picture, no time limit stops it. */
function expectToHold(header: Metadata): void {
  const held = heldBytes(header);
  if (held > MOST_HELD_BYTES) throw new RangeError(`it would hold ${held} bytes`);
}

/**
 * How much of a picture the decoder holds at once: of an interlaced PNG and of any WebP (which may be an animation)
 * all its samples; of a JPEG of several scans, which is what `isProgressive` means, all its coefficients.
 */
function heldBytes({ format, width, height, channels, depth, isProgressive }: Metadata): number {
  if (format === 'webp') return width * height * 4;
  if (isProgressive !== true) return 0;
  return width * height * channels * (format === 'jpeg' || depth === 'ushort' ? 2 : 1);
}

/** What the service says of a file that it cannot take for a photo. */
export function notAPhoto(cause?: unknown): DomainError {
  const [most, webp, whole] = [MOST_PIXELS, MOST_HELD_BYTES / 4, MOST_HELD_BYTES / 8].map((n) => Math.floor(n / 1e6));
  const limits = `${most} megapixels (WebP ${webp}, progressive or interlaced ${whole})`;
  const params = { format: `a whole JPEG, PNG or WebP of at most ${limits}` };
  return new DomainError('validation_failed', { errors: [{ field: 'photo', code: 'bad_format', params }], cause });
}
