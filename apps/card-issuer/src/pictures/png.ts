import { crc32, deflateSync } from 'node:zlib';

/** A square of modules, dark where `data` is not 0, row by row. */
export interface Modules {
  readonly size: number;
  readonly data: Uint8Array;
}

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** Takes 0.05 ms for 512 pixels and 0.25 for 2048, to 1.2 and 3.5 KB. Level 6 takes 0.14 and 1.4, to save 0.5 KB. */
const COMPRESSION = 3;

/**
 * Draws modules as a PNG of one bit a pixel, black on white, each module `scale` pixels wide, in the middle of a white
 * square of `width` pixels, into which they fit. A QR code needs no more, and what qrcode's own writer makes (32 bits a
 * pixel, in JavaScript) takes 200 ms at 2048 pixels.
 */
export function drawPng({ size, data }: Modules, scale: number, width: number): Buffer {
  const margin = Math.floor((width - size * scale) / 2);
  // Each line begins with the number of its filter: 0, none (PNG, 9.2). A bit that is set is white.
  const lineBytes = 1 + Math.ceil(width / 8);
  const pixels = Buffer.alloc(lineBytes * width, 0xff);
  for (let y = 0; y < width; y++) pixels[y * lineBytes] = 0;
  for (let row = 0; row < size; row++) {
    const top = margin + row * scale;
    const line = pixels.subarray(top * lineBytes, (top + 1) * lineBytes);
    for (let column = 0; column < size; column++) {
      if (data[row * size + column]) blacken(line, 8 + margin + column * scale, scale);
    }
    for (let copy = 1; copy < scale; copy++) line.copy(pixels, (top + copy) * lineBytes);
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header(width)),
    chunk('IDAT', deflateSync(pixels, { level: COMPRESSION })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function blacken(line: Buffer, from: number, count: number): void {
  for (let bit = from; bit < from + count; bit++) {
    line[bit >> 3] = (line[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  }
}

/** PNG, 11.2.1: width, height, bit depth 1, greyscale, and the only methods there are; not interlaced. */
function header(width: number): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(width, 4);
  bytes[8] = 1;
  return bytes;
}

/** PNG, 5.3: length, type, data, and the CRC of type and data. */
function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
