import { readFileSync } from 'node:fs';
import { prepareZXingModule, readBarcodes, type ReadResult } from 'zxing-wasm/reader';

let prepared = false;

/** What a scanner finds in a picture: text, error correction level, and more. */
export async function readQrCodes(picture: Uint8Array): Promise<ReadResult[]> {
  if (!prepared) {
    // Node's fetch reads no files: the module is handed its binary.
    const wasmBinary = readFileSync(require.resolve('zxing-wasm/reader/zxing_reader.wasm'));
    prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasmBinary).buffer } });
    prepared = true;
  }
  return readBarcodes(picture, { formats: ['QRCode'] });
}
