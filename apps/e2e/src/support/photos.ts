import type { Card, ScanProfile } from '@puerta/contracts';
import { waitFor, type Puerta } from '@puerta/testing';
import sharp from 'sharp';
import { administrator, expectStatus, issueCard, scanPass } from './people';
import { PASS_SECONDS } from './story';

/** A photo as a phone takes it. */
const photo = (): Promise<Buffer> =>
  sharp({ create: { width: 3_000, height: 4_000, channels: 3, background: '#336699' } })
    .withMetadata({ exif: { IFD0: { Model: 'A phone' } } })
    .jpeg()
    .toBuffer();

/** @param start gives an installation whose scan passes live for {@link PASS_SECONDS} */
export function seePhotos(start: () => Promise<Puerta>): void {
  it('a photo that an issuer sends is seen by who scans the card, for as long as the pass lives', async () => {
    const puerta = await start();
    const api = puerta.api();
    const { token } = await administrator(api);
    const card = await issueCard(api, token);
    const path = `/cards/${card.card_id}/photo`;
    const headers = { 'content-type': 'image/jpeg' };
    const changed = expectStatus(await api.put<Card>(path, await photo(), { token, headers }), 200);

    const seen = await fetch(changed.photo_url ?? '');
    expect([seen.status, seen.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const { width, height, exif } = await sharp(Buffer.from(await seen.arrayBuffer())).metadata();
    expect([width, height, exif]).toEqual([600, 800, undefined]);

    const pass = await scanPass(puerta, card);
    const profile = expectStatus(await api.get<ScanProfile>('/scan/profile', { token: pass }), 200);
    const page = await puerta.http().get('/profile');
    const origin = new URL(profile.photo_url ?? '').origin;
    expect(page.headers.get('content-security-policy')).toContain(`img-src 'self' data: ${origin}`);
    const until = Date.now() + PASS_SECONDS * 1_000;
    expect((await fetch(profile.photo_url ?? '')).status).toBe(200);
    await waitFor(async () => (await fetch(profile.photo_url ?? '')).status !== 200, 10_000);
    expect(Date.now() - until).toBeLessThan(1_500);

    const bad = await api.put(path, Buffer.from('no photo'), { token, headers });
    expect(bad).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ field: 'photo' }] } });
    expect(expectStatus(await api.delete<Card>(path, { token }), 200).photo_url).toBeNull();
    expect((await fetch(changed.photo_url ?? '')).status).toBe(404);
  }, 120_000);
}
