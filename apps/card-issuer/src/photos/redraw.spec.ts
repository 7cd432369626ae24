import { deflateSync } from 'node:zlib';
import { DomainError } from '@puerta/contracts/core';
import sharp from 'sharp';
import { picture } from '../../test/pictures';
import { redraw } from './redraw';

const refused = async (file: Uint8Array): Promise<unknown> =>
  redraw(file).catch((error: unknown) => (error instanceof DomainError ? [error.code, error.extra.errors] : error));

const REFUSAL = ['validation_failed', [expect.objectContaining({ field: 'photo', code: 'bad_format' })]];

interface PngHeader {
  /** Bits a sample. */
  readonly depth?: number;
  /** 0 for grey, 6 for RGBA. */
  readonly color?: number;
  readonly interlaced?: boolean;
}

/** A PNG that says how large it is; of one bit a pixel unless told. */
function pngOf(width: number, height: number, data = Buffer.alloc(0), of: PngHeader = {}): Buffer {
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
  header[8] = of.depth ?? 1;
  header[9] = of.color ?? 0;
  header[12] = of.interlaced === true ? 1 : 0;
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

/** A whole interlaced PNG of RGBA, 16 bits a sample; its sides are multiples of eight. */
function interlacedOf(width: number, height: number): Buffer {
  const passes = [
    [8, 8],
    [8, 8],
    [4, 8],
    [4, 4],
    [2, 4],
    [2, 2],
    [1, 2],
  ] as const;
  const bytes = passes.reduce((sum, [x, y]) => sum + (height / y) * (1 + (width / x) * 8), 0);
  return pngOf(width, height, deflateSync(Buffer.alloc(bytes)), { depth: 16, color: 6, interlaced: true });
}

/** A WebP that is an animation of one frame of 16 × 16 on a canvas of the size. */
async function animationOf(width: number, height: number): Promise<Buffer> {
  const number = (value: number, size: number): Buffer => {
    const bytes = Buffer.alloc(size);
    bytes.writeUIntLE(value, 0, size);
    return bytes;
  };
  const chunk = (type: string, ...content: Buffer[]): Buffer => {
    const body = Buffer.concat(content);
    return Buffer.concat([Buffer.from(type), number(body.length, 4), body]);
  };
  const still = await picture({ format: 'webp', width: 16, height: 16 });
  return chunk(
    'RIFF',
    Buffer.from('WEBP'),
    chunk('VP8X', number(2, 4), number(width - 1, 3), number(height - 1, 3)),
    chunk('ANIM', Buffer.alloc(6)),
    chunk('ANMF', Buffer.alloc(6), number(15, 3), number(15, 3), Buffer.alloc(4), still.subarray(12)),
  );
}

const plain = (width: number, height: number): sharp.Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#336699' } });

describe('a photo that is drawn anew', () => {
  it.each(['jpeg', 'png', 'webp'] as const)('is a JPEG that fits in 600 × 800, whatever it was: %s', async (format) => {
    const drawn = await redraw(await picture({ format, width: 1_200, height: 800 }));
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
    const file = await sharp({ create: { width: 8, height: 8, channels: 4, background: clear } })
      .png()
      .toBuffer();
    expect([
      ...(
        await sharp(await redraw(file))
          .raw()
          .toBuffer()
      ).subarray(0, 3),
    ]).toEqual([255, 255, 255]);
  });
});

it('may be of one bit a pixel, as the pictures below', async () => {
  await redraw(pngOf(2_000, 2_000, deflateSync(Buffer.alloc(2_000 * 251))));
});

it.each<[string, () => Promise<Buffer> | Buffer]>([
  ['the largest JPEG of a phone', () => plain(8_000, 6_000).jpeg().toBuffer()],
  ['a progressive JPEG of 12 megapixels', () => plain(4_000, 3_000).jpeg({ progressive: true }).toBuffer()],
  ['an interlaced PNG of 12 megapixels', () => plain(4_000, 3_000).png({ progressive: true }).toBuffer()],
  ['an animation', () => animationOf(400, 300)],
])('may be %s', async (_what, make) => {
  expect(await sharp(await redraw(await make())).metadata()).toMatchObject({ format: 'jpeg' });
});

describe('what is refused', () => {
  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a text', () => Buffer.from('not a picture')],
    ['SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>')],
    [
      'GIF',
      async () =>
        sharp(await picture())
          .gif()
          .toBuffer(),
    ],
    [
      'TIFF',
      async () =>
        sharp(await picture())
          .tiff()
          .toBuffer(),
    ],
    [
      'AVIF',
      async () =>
        sharp(await picture({ width: 16, height: 16 }))
          .avif({ effort: 0 })
          .toBuffer(),
    ],
    ['PDF', () => Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>')],
    ['half a JPEG', async () => (await picture({ width: 800, height: 800 })).subarray(0, 2_000)],
    ['a PNG without its end', async () => (await picture({ format: 'png', width: 800 })).subarray(0, 2_000)],
    ['a PNG without a picture', () => pngOf(100, 100)],
    ['400 megapixels in a few bytes', () => pngOf(20_000, 20_000, deflateSync(Buffer.alloc(1_000)))],
    ['an interlaced PNG of 16 megapixels, 16 bits a sample', () => interlacedOf(4_000, 4_000)],
    ['a progressive JPEG of 20 megapixels', () => plain(5_000, 4_000).jpeg({ progressive: true }).toBuffer()],
    ['an animation of 48 megapixels', () => animationOf(8_000, 6_000)],
    ['400 megapixels that are there', () => pngOf(20_000, 20_000, deflateSync(Buffer.alloc(20_000 * 2_501)))],
  ])('is %s', async (_what, make) => {
    expect(await refused(await make())).toEqual(REFUSAL);
  });
});
