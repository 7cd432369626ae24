import { inflateSync } from 'node:zlib';
import { readQrCodes } from '@puerta/testing';
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

  it.each([128, 129, 333, 512, 1000, 2048])('is at least %d pixels wide, by whole pixels a module', async (least) => {
    const png = qrPng(URLS[0] as string, least);
    const { width } = pixelsOf(png);
    const modules = 33 + 2 * 4;
    expect(width).toBeGreaterThanOrEqual(least);
    expect(width % modules).toBe(0);
    expect(width - least).toBeLessThan(modules);
    expect((await decode(png)).text).toBe(URLS[0]);
  });

  it('has a quiet zone of four modules and the finder pattern where it ends', async () => {
    const { width, dark } = pixelsOf(qrPng(URLS[0] as string, 410));
    const module = width / 41;
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
    const { width, dark } = pixelsOf(drawPng(checkers, 3, 1));
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
  it.each(URLS)('says exactly %s', async (url) => {
    const found = await decode(rasterise(await qrSvg(url)));
    expect(found.text).toBe(url);
    expect(found.ecLevel).toBe('M');
  });

  it('is one document without scripts or references', async () => {
    const svg = await qrSvg(URLS[0] as string);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 41 41"/);
    expect(svg).not.toMatch(/script|href|data:|scan/);
  });
});

/** Draws the lines of an SVG path made of M, m and h as a PNG: a stand-in for a browser, enough for this one form. */
function rasterise(svg: string): Buffer {
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
  const path = /stroke="#000000" d="([^"]+)"/.exec(svg)?.[1] ?? '';
  const data = new Uint8Array(size * size);
  let [x, y] = [0, 0];
  for (const [, command, first, second] of path.matchAll(/([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
    if (command === 'M') [x, y] = [Number(first), Number(second)];
    else if (command === 'm') x += Number(first);
    else for (const end = x + Number(first); x < end; x++) data[Math.floor(y) * size + x] = 1;
  }
  return drawPng({ size, data }, 8, 0);
}
