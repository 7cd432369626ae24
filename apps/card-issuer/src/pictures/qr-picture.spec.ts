import { inflateSync } from 'node:zlib';
import { readQrCodes } from '@puerta/testing';
import { create } from 'qrcode';
import sharp from 'sharp';
import { drawPng } from './png';
import { qrPng, qrSvg } from './qr-picture';

const URLS = [
  'https://puerta.example.edu/scan/AbCdEfGhIjKlMnOpQrStUw',
  'http://192.168.1.20:8080/scan/____________________-A',
  `https://a-rather-long-name-of-a-host.of-some-faculty.example.edu/${'below/'.repeat(12)}scan/0123456789012345678901`,
];

async function decode(png: Uint8Array) {
  const [found, ...others] = await readQrCodes(png);
  if (!found || others.length > 0) throw new Error('not exactly one QR code');
  return found;
}

/** Width and the pixels of a PNG of one bit a pixel, 1 for dark. */
function pixelsOf(png: Buffer): { width: number; dark(x: number, y: number): boolean } {
  const width = png.readUInt32BE(16);
  const start = png.indexOf('IDAT', 0, 'latin1') + 4;
  const lines = inflateSync(png.subarray(start));
  const lineBytes = 1 + Math.ceil(width / 8);
  return { width, dark: (x, y) => (((lines[y * lineBytes + 1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1) === 0 };
}

describe('the PNG of a QR code', () => {
  it.each(URLS)('says exactly %s', async (url) => {
    const found = await decode(qrPng(url));
    expect(found.text).toBe(url);
    expect(found.ecLevel).toBe('M');
  });

  // Every width up to 256, where a pixel is much, and others behind it.
  const WIDTHS = [...Array.from({ length: 129 }, (_, n) => 128 + n), 300, 333, 512, 600, 615, 1000, 1023, 2047, 2048];

  it('is exactly as wide as it is asked for, and says the same', async () => {
    const seen = await Promise.all(
      WIDTHS.map(async (asked) => {
        const png = qrPng(URLS[0] as string, asked);
        return [pixelsOf(png).width, png.readUInt32BE(20), (await decode(png)).text];
      }),
    );
    expect(seen).toEqual(WIDTHS.map((asked) => [asked, asked, URLS[0]]));
  });

  it.each(WIDTHS.filter((width) => width % 7 === 2 || width > 256))(
    'has modules of whole pixels in the middle of %d, and what is left as border',
    (asked) => {
      const { width, dark } = pixelsOf(qrPng(URLS[0] as string, asked));
      const scale = Math.floor(asked / 41);
      const edge = Math.floor((asked - 33 * scale) / 2);
      expect(edge).toBeGreaterThanOrEqual(4 * scale);
      const { modules } = create(URLS[0] as string, { errorCorrectionLevel: 'M' });
      for (let y = 0; y < width; y++) {
        const row = Math.floor((y - edge) / scale);
        const shown = Array.from({ length: width }, (_, x) => (dark(x, y) ? 1 : 0)).join('');
        const line = Array.from({ length: 33 }, (_, column) =>
          (modules.data[row * 33 + column] ? 1 : 0).toString().repeat(scale),
        );
        const inside = row >= 0 && row < 33 ? line.join('') : '0'.repeat(33 * scale);
        expect(shown).toBe(`${'0'.repeat(edge)}${inside}`.padEnd(width, '0'));
      }
    },
  );

  it('is refused where a module would have less than a pixel', async () => {
    const long = `https://example.edu/${'below/'.repeat(200)}scan/0123456789012345678901`;
    const { modules } = create(long, { errorCorrectionLevel: 'M' });
    const least = modules.size + 8;
    expect(least).toBeGreaterThan(128);
    expect(() => qrPng(long, least - 1)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        extra: { errors: [{ field: 'size', code: 'out_of_range', params: { min: least, max: 2048 } }] },
      }),
    );
    const tight = qrPng(long, least);
    expect(pixelsOf(tight).width).toBe(least);
    expect((await decode(tight)).text).toBe(long);
  });

  it('has a quiet zone of four modules and the finder pattern where it ends', async () => {
    const { width, dark } = pixelsOf(qrPng(URLS[0] as string, 410));
    const module = width / 41;
    expect(module).toBe(10);
    for (let i = 0; i < width; i++) {
      for (let edge = 0; edge < 4 * module; edge++) {
        expect([dark(i, edge), dark(edge, i), dark(i, width - 1 - edge), dark(width - 1 - edge, i)]).toEqual([
          false,
          false,
          false,
          false,
        ]);
      }
    }
    expect(dark(4 * module, 4 * module)).toBe(true);
  });

  it('is the same each time', async () => {
    expect(qrPng(URLS[0] as string)).toEqual(qrPng(URLS[0] as string));
  });

  it('fits a message of the bus at the greatest width', async () => {
    expect(qrPng(URLS[2] as string, 2048).length).toBeLessThan(100_000);
  });

  it('draws any width, also where a line ends within a byte', async () => {
    const checkers = { size: 3, data: Uint8Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1]) };
    const { width, dark } = pixelsOf(drawPng(checkers, 3, 15));
    expect(width).toBe(15);
    for (let y = 0; y < width; y++) {
      for (let x = 0; x < width; x++) {
        const [column, row] = [Math.floor(x / 3) - 1, Math.floor(y / 3) - 1];
        const inside = column >= 0 && column < 3 && row >= 0 && row < 3;
        expect(dark(x, y)).toBe(inside && (column + row) % 2 === 0);
      }
    }
  });
});

describe('the SVG of a QR code', () => {
  // Photos close this reader, and suites of one worker share the library.
  const SVG = { operation: ['VipsForeignLoadSvg'] };
  beforeAll(() => sharp.unblock(SVG));
  afterAll(() => sharp.block(SVG));

  it.each(URLS)('says exactly %s', async (url) => {
    const found = await decode(
      await sharp(Buffer.from(await qrSvg(url)))
        .png()
        .toBuffer(),
    );
    expect(found.text).toBe(url);
    expect(found.ecLevel).toBe('M');
  });

  it.each([undefined, 15, 25, 30, 85, 500])('is so many millimetres wide: %s', async (asked) => {
    const svg = await qrSvg(URLS[0] as string, asked);
    const millimetres = asked ?? 30;
    expect(svg).toContain(`<svg width="${millimetres}mm" height="${millimetres}mm" xmlns=`);
    // Of pictures that say their size, the library takes dots an inch twice, as for those that are 72 an inch and do not.
    const density = millimetres > 100 ? 72 : 144;
    const picture = await sharp(Buffer.from(svg), { density }).png().toBuffer();
    const { width, height } = await sharp(picture).metadata();
    const pixels = Math.round(((millimetres / 25.4) * density * density) / 72);
    expect([width, height]).toEqual([pixels, pixels]);
    expect((await decode(picture)).text).toBe(URLS[0]);
  });

  it('is one document without scripts or references', async () => {
    const svg = await qrSvg(URLS[0] as string);
    expect(svg).toMatch(
      /^<svg width="30mm" height="30mm" xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 41 41"/,
    );
    expect(svg).not.toMatch(/script|href|data:|scan/);
  });
});
