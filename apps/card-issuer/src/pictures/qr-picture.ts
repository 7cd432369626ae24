import { MOST_QR_PIXELS } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import { create, type QRCode, toString } from 'qrcode';
import { drawPng } from './png';

/** Mends 15 % of the symbol: enough for a scratched card, and a version smaller than the next level. */
const ERROR_CORRECTION = 'M';

/** The white border that ISO/IEC 18004 asks for, in modules. Readers fail without it. */
const QUIET_ZONE = 4;

const PIXELS = 512;
const MILLIMETRES = 30;

/**
 * A QR code as PNG, exactly as wide as it is asked for. Its modules are as large as whole pixels let them be; what is left
 * becomes white border, of which there are four modules in any case.
 *
 * @param text what the QR says, exactly.
 * @returns the same bytes for the same text and width.
 * @throws DomainError `validation_failed` where a module would have less than a pixel
 */
export function qrPng(text: string, pixels = PIXELS): Buffer {
  const { modules }: QRCode = create(text, { errorCorrectionLevel: ERROR_CORRECTION });
  const least = modules.size + 2 * QUIET_ZONE;
  if (pixels < least) throw tooSmall(least);
  return drawPng(modules, Math.floor(pixels / least), pixels);
}

/** The same as SVG, one unit a module. A program that prints it makes it so large. */
export async function qrSvg(text: string, millimetres = MILLIMETRES): Promise<string> {
  const svg = await toString(text, { type: 'svg', errorCorrectionLevel: ERROR_CORRECTION, margin: QUIET_ZONE });
  return svg.replace('<svg ', `<svg width="${millimetres}mm" height="${millimetres}mm" `);
}

function tooSmall(least: number): DomainError {
  const params = { min: least, max: MOST_QR_PIXELS };
  return new DomainError('validation_failed', { errors: [{ field: 'size', code: 'out_of_range', params }] });
}
