import { readFileSync } from 'node:fs';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

// Node's fetch reads no files: the module is handed its binary.
const wasmBinary = readFileSync(require.resolve('zxing-wasm/reader/zxing_reader.wasm'));
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasmBinary).buffer } });

/** What a scanner reads in a picture. */
export async function readQr(picture: Uint8Array): Promise<string[]> {
  const results = await readBarcodes(picture, { formats: ['QRCode'] });
  return results.map((result) => result.text);
}
