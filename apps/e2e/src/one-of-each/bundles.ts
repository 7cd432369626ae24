import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Puerta } from '@puerta/testing';
import { areUpToDate } from '../../../../tools/embedded/migrations.mjs';
import { single } from '../support/shared-puerta';

const WORKSPACE = join(__dirname, '../../../..');

let puerta: Puerta;

beforeAll(async () => {
  puerta = await single.start();
}, 120_000);

describe('what runs from the bundles', () => {
  it('documents its API as docs/openapi.json, which is made from the files', async () => {
    const { status, body } = await puerta.http().get('/docs-json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(readFileSync(join(WORKSPACE, 'docs/openapi.json'), 'utf8')));
  });

  it('has run the migrations that the bundles name', async () => {
    expect(await areUpToDate(WORKSPACE, puerta.database.url)).toBe(true);
  });
});
