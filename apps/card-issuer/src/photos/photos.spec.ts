import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor, Card, ScanProfile } from '@puerta/contracts';
import { type FileType, newFileKey } from '@puerta/storage';
import sharp from 'sharp';
import { codeOf, delivery, scanCode, TestCardIssuer, user } from '../../test/card-issuer';
import { picture } from '../../test/pictures';
import { OrphanFiles } from './orphan-files';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const actor = user();
const companyOf = ({ company_id }: Actor): string => company_id ?? '';

/** Puts a file where the gateway puts what it is sent. */
async function upload(content: Uint8Array, who = actor, type: FileType = 'image/jpeg'): Promise<string> {
  const key = newFileKey('uploads', companyOf(who), type);
  await service.storage.put(key, content, { limit: 50_000_000 });
  return key;
}
const set = (card: Card, key: string, who = actor): Promise<Card> =>
  service.ask('cards.set-photo', { card_id: card.card_id, upload: key }, { actor: who });
const remove = (card: Card, who = actor): Promise<Card> =>
  service.ask('cards.remove-photo', { card_id: card.card_id }, { actor: who });
const photoKey = async (card: Card): Promise<string | null> => {
  const [row] = await service.database.query<{ photo_key: string | null }[]>(
    'SELECT photo_key FROM cards WHERE id = $1',
    [card.card_id],
  );
  return row?.photo_key ?? null;
};
/** The files of a kind that a company has. */
const filesOf = (kind: string, who = actor): string[] => {
  try {
    const folder = `${kind}/${companyOf(who)}`;
    return readdirSync(join(service.storage.root, folder)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
};

describe('a photo', () => {
  it('is drawn anew, stored, shown by its address, and the file that was sent is gone', async () => {
    const own = user();
    const card = await service.issue(own);
    expect(card.photo_url).toBeNull();
    const key = await upload(await picture({ width: 1_200, height: 1_600 }), own);
    const changed = await set(card, key, own);
    expect(changed.photo_url).toMatch(/^https:\/\/puerta\.example\.com\/files\/[\w.-]+$/);
    const photo = await photoKey(card);
    expect(filesOf('photos', own)).toEqual([photo]);
    expect(filesOf('uploads', own)).toEqual([]);
    const file = await service.storage.get(photo ?? '');
    const chunks: Uint8Array[] = [];
    for await (const chunk of file?.content ?? []) chunks.push(chunk as Uint8Array);
    expect(await sharp(Buffer.concat(chunks)).metadata()).toMatchObject({ format: 'jpeg', width: 600, height: 800 });
    expect(await service.history(card)).toEqual(['issued', 'photo_set']);
    expect(await service.count('orphan_files')).toBe(0);
    const [listed] = (await service.ask('cards.list', {}, { actor: own })).items;
    expect(listed?.photo_url).toMatch(/\/files\//);
  });

  it('takes the place of the former one, which is deleted', async () => {
    const own = user();
    const card = await service.issue(own);
    await set(card, await upload(await picture(), own), own);
    const former = await photoKey(card);
    await set(card, await upload(await picture(), own), own);
    const now = await photoKey(card);
    expect(now).not.toBe(former);
    expect(filesOf('photos', own)).toEqual([now]);
    expect(await service.count('orphan_files')).toBe(0);
  });

  it('is taken off, once however often one asks', async () => {
    const own = user();
    const card = await service.issue(own);
    await set(card, await upload(await picture(), own), own);
    expect(await remove(card, own)).toMatchObject({ photo_url: null });
    expect(await remove(card, own)).toMatchObject({ photo_url: null });
    expect(filesOf('photos', own)).toEqual([]);
    expect(await service.history(card)).toEqual(['issued', 'photo_set', 'photo_removed']);
  });

  it('sent several times at once is one of them in the end, and nothing else is left', async () => {
    const own = user();
    const card = await service.issue(own);
    const keys = await Promise.all(Array.from({ length: 6 }, async () => upload(await picture(), own)));
    await Promise.all(keys.map((key) => set(card, key, own)));
    expect(filesOf('photos', own)).toEqual([await photoKey(card)]);
    expect(filesOf('uploads', own)).toEqual([]);
    expect(await service.count('orphan_files')).toBe(0);
    expect(await service.history(card)).toEqual(['issued', ...Array<string>(6).fill('photo_set')]);
  });

  it('is set once by a message that is delivered twice, one after the other or at once', async () => {
    const own = user();
    const card = await service.issue(own);
    const { photos } = service.direct();
    const key = await upload(await picture(), own);
    const call = delivery(own, 'cards.set-photo');
    const dto = { card_id: card.card_id, upload: key };
    const [first, second] = await Promise.all([photos.set(dto, call), photos.set(dto, call)]);
    const third = await photos.set(dto, call);
    for (const answer of [first, second, third]) expect(answer.photo_url).not.toBeNull();
    expect(await service.history(card)).toEqual(['issued', 'photo_set']);
    expect(filesOf('photos', own)).toEqual([await photoKey(card)]);
    expect(await service.count('orphan_files')).toBe(0);
  });
});

describe('who may not', () => {
  it('are members without the role, other companies, and holders', async () => {
    const card = await service.issue(actor);
    const other = user();
    const holder = user(null, null);
    expect(await codeOf(set(card, await upload(await picture(), other), other))).toBe('card_not_found');
    expect(await codeOf(remove(card, other))).toBe('card_not_found');
    const member = user('member', actor.company_id);
    expect(await codeOf(set(card, await upload(await picture()), member))).toBe('role_required');
    expect(await codeOf(set(card, await upload(await picture()), holder))).toBe('company_required');
    expect(await photoKey(card)).toBeNull();
  });

  it('use files of other companies, photos, or what is no key', async () => {
    const card = await service.issue(actor);
    const other = user();
    const foreign = await upload(await picture(), other);
    const photo = newFileKey('photos', companyOf(actor), 'image/jpeg');
    await service.storage.put(photo, await picture(), { limit: 1_000_000 });
    for (const key of [foreign, photo, '../../etc/passwd', 'uploads/', foreign.toUpperCase()]) {
      expect(await codeOf(set(card, key))).toBe('validation_failed');
    }
    expect(await service.storage.head(foreign)).toBeDefined();
    expect(await service.storage.head(photo)).toBeDefined();
  });

  it.each([
    ['a text', async () => Buffer.from('x')],
    ['half a photo', async () => (await picture({ width: 500, height: 500 })).subarray(0, 1_000)],
  ])('send %s: the card keeps the photo it has, and nothing is left', async (_what, make) => {
    const own = user();
    const card = await service.issue(own);
    await set(card, await upload(await picture(), own), own);
    const before = await photoKey(card);
    const key = await upload(await make(), own);
    expect(await codeOf(set(card, key, own))).toBe('validation_failed');
    expect(await photoKey(card)).toBe(before);
    expect(filesOf('photos', own)).toEqual([before]);
    expect(filesOf('uploads', own)).toEqual([]);
    expect(await service.count('orphan_files')).toBe(0);
  });
});

describe('what a dead process left', () => {
  const orphans = (): OrphanFiles => new OrphanFiles(service.database, service.storage);
  const age = (key: string, interval: string): Promise<unknown> =>
    service.database.query('UPDATE orphan_files SET since = now() - $2::interval WHERE key = $1', [key, interval]);

  it('is swept after an hour, and not before', async () => {
    const key = newFileKey('photos', companyOf(actor), 'image/jpeg');
    await orphans().expect(key);
    await service.storage.put(key, await picture(), { limit: 1_000_000 });
    await age(key, '59 minutes');
    await orphans().sweep();
    expect(await service.storage.head(key)).toBeDefined();
    await age(key, '61 minutes');
    await Promise.all([orphans().sweep(), orphans().sweep()]);
    expect(await service.storage.head(key)).toBeUndefined();
    expect(await service.count('orphan_files', 'key = $1', [key])).toBe(0);
  });

  it('becomes no card’s photo once it may be swept', async () => {
    const key = newFileKey('photos', companyOf(actor), 'image/jpeg');
    await orphans().expect(key);
    await age(key, '11 minutes');
    expect(await codeOf(service.database.transaction((tx) => orphans().adopt(tx, key)))).toBe('service_unavailable');
  });
});

describe('who scans the card', () => {
  const profile = async (card: Card, left: number): Promise<ScanProfile> => {
    const { scan_pass } = await service.ask('scans.open', { code: scanCode(card) });
    const now = Math.floor(Date.now() / 1_000);
    return service.ask('scans.profile', { scan_id: scan_pass.slice('pass for '.length), pass_expires_at: now + left });
  };
  /** Seconds for which an address is good. */
  const lifeOf = (url: string | null): number => {
    const granted = service.addresses.open((url ?? '').split('/files/')[1] ?? '');
    return (granted?.expiresAt ?? NaN) - Date.now() / 1_000;
  };

  it('gets the photo for two minutes, and never for longer than the pass lives', async () => {
    const card = await service.issue(actor);
    expect((await profile(card, 120)).photo_url).toBeNull();
    await set(card, await upload(await picture()));
    expect(lifeOf((await profile(card, 3_600)).photo_url)).toBeGreaterThan(118);
    expect(lifeOf((await profile(card, 3_600)).photo_url)).toBeLessThanOrEqual(120);
    expect(lifeOf((await profile(card, 30)).photo_url)).toBeLessThanOrEqual(30);
    expect((await profile(card, 0)).photo_url).toBeNull();
  });
});
