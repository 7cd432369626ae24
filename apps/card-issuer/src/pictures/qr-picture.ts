import { create, type QRCode, toString } from 'qrcode';
import { drawPng } from './png';

/** Mends 15 % of the symbol: enough for a scratched card, and a version smaller than the next level. */
const ERROR_CORRECTION = 'M';

/** The white border that ISO/IEC 18004 asks for, in modules. Readers fail without it. */
const QUIET_ZONE = 4;

const LEAST_WIDTH = 512;

/**
 * @param text what the QR says, exactly.
 * @param leastWidth in pixels; the picture is as much wider as whole pixels per module ask.
 * @returns the same bytes for the same text and width.
 */
export function qrPng(text: string, leastWidth = LEAST_WIDTH): Buffer {
  const { modules }: QRCode = create(text, { errorCorrectionLevel: ERROR_CORRECTION });
  const scale = Math.ceil(leastWidth / (modules.size + 2 * QUIET_ZONE));
  return drawPng(modules, scale, QUIET_ZONE);
}

/** The same as SVG, one unit a module. */
export function qrSvg(text: string): Promise<string> {
  return toString(text, { type: 'svg', errorCorrectionLevel: ERROR_CORRECTION, margin: QUIET_ZONE });
}
