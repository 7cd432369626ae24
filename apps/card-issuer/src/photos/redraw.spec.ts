import { deflateSync } from 'node:zlib';
import { DomainError } from '@puerta/contracts/core';
import sharp from 'sharp';
import { picture } from '../../test/pictures';
import { redraw } from './redraw';

const refused = async (file: Uint8Array): Promise<unknown> =>
  redraw(file).catch((error: unknown) => (error instanceof DomainError ? [error.code, error.extra.errors] : error));

const REFUSAL = ['validation_failed', [expect.objectContaining({ field: 'photo', code: 'bad_format' })]];

/** A PNG of one bit a pixel that says how large it is. */
function pngOf(width: number, height: number, data = Buffer.alloc(0)): Buffer {
  const chunk = (type: string, content: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(content.length);
    head.write(type, 4, 'latin1');
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(Buffer.concat([head.subarray(4), content])));
    return Buffer.concat([head, content, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

describe('a photo that is drawn anew', () => {
  it.each(['jpeg', 'png', 'webp'] as const)('is a JPEG that fits in 600 × 800, whatever it was: %s', async (format) => {
    const drawn = await redraw(await picture({ format, width: 3_000, height: 2_000 }));
    expect(await sharp(drawn).metadata()).toMatchObject({ format: 'jpeg', width: 600, height: 400, space: 'srgb' });
  });

  it('is not made larger', async () => {
    expect(await sharp(await redraw(await picture({ width: 90, height: 120 }))).metadata()).toMatchObject({
      width: 90,
      height: 120,
    });
  });

  it('is upright, and keeps nothing of what the file said of place, time and device', async () => {
    const secret = 'Casa de Ana, 10.5,-66.9';
    const file = await sharp(await picture({ width: 400, height: 200 }))
      .withMetadata({ orientation: 6, exif: { IFD0: { ImageDescription: secret, Model: 'A phone' } } })
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${secret}</x:xmpmeta>`)
      .jpeg()
      .toBuffer();
    expect(file.includes(secret)).toBe(true);
    const drawn = await redraw(file);
    const { width, height, exif, xmp, icc, iptc, orientation } = await sharp(drawn).metadata();
    expect([width, height]).toEqual([200, 400]);
    expect([exif, xmp, icc, iptc, orientation]).toEqual(Array(5).fill(undefined));
    expect(drawn.includes(secret)).toBe(false);
    expect(drawn.includes('A phone')).toBe(false);
  });

  it('keeps nothing that was hidden behind the picture', async () => {
    const payload = '<script>alert(1)</script>';
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const file = Buffer.concat([await picture({ format }), Buffer.from(payload)]);
      const drawn = await redraw(file);
      expect(drawn.includes(payload)).toBe(false);
      expect(drawn.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    }
  });

  it('shows white where the file shows nothing', async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const file = await sharp({ create: { width: 8, height: 8, channels: 4, background: clear } }).png().toBuffer();
    expect([...(await sharp(await redraw(file)).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255]);
  });
});

it('may be of one bit a pixel, as the pictures below', async () => {
  await redraw(pngOf(2_000, 2_000, deflateSync(Buffer.alloc(2_000 * 251))));
});

describe('what is refused', () => {
  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a text', () => Buffer.from('not a picture')],
    ['SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>')],
    ['GIF', async () => sharp(await picture()).gif().toBuffer()],
    ['TIFF', async () => sharp(await picture()).tiff().toBuffer()],
    ['AVIF', async () => sharp(await picture({ width: 16, height: 16 })).avif({ effort: 0 }).toBuffer()],
    ['PDF', () => Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>')],
    ['half a JPEG', async () => (await picture({ width: 800, height: 800 })).subarray(0, 2_000)],
    ['a PNG without its end', async () => (await picture({ format: 'png', width: 800 })).subarray(0, 2_000)],
    ['a PNG without a picture', () => pngOf(100, 100)],
    ['400 megapixels in a few bytes', () => pngOf(20_000, 20_000, deflateSync(Buffer.alloc(1_000)))],
    ['400 megapixels that are there', () => pngOf(20_000, 20_000, deflateSync(Buffer.alloc(20_000 * 2_501)))],
  ])('is %s', async (_what, make) => {
    expect(await refused(await make())).toEqual(REFUSAL);
  });
});
