import { join } from 'node:path';
import type { Card } from '@puerta/contracts';
import { examples, type Puerta } from '@puerta/testing';
import sharp from 'sharp';
import { administrator, expectStatus, issueCard } from '../support/people';
import { single } from '../support/shared-puerta';

type Facts = Readonly<Record<string, string>>;

/** Where the types of the example of a client are generated, they are compiled too: see tools/docs/client.spec.ts. */
const CLIENT = join(__dirname, '../../../../examples/typescript-client/photo.ts');

describe('the examples of the documentation', () => {
  let puerta: Puerta;
  const sent = new Set<string>();

  beforeAll(async () => {
    puerta = await single.start();
  });

  /** Sends an example, but for ids and tokens, which are of this installation. */
  const send = async (name: string, token?: string, own: Facts = {}): Promise<Facts> => {
    const { method, path, body, status } = examples().get(name) ?? { method: '', path: '', body: {}, status: 0 };
    const known = Object.fromEntries(Object.entries(own).filter(([key]) => key in (body ?? {})));
    const url = path.replace(/\{(\w+)\}/g, (_, key: string) => own[key] ?? key);
    const options = token === undefined ? {} : { token };
    sent.add(name);
    return expectStatus(await puerta.http().request<Facts>(method, url, { ...body, ...known }, options), status);
  };

  it('are taken as they are', async () => {
    await send('register');
    const session = await send('login');
    const first = session['access_token'];
    await send('updateMe', first);
    const company = await send('createCompany', first);
    const { new_access_token: token = '' } = await send('ensureCompany', first, company);
    await send('updateCompany', token, company);
    await send('createInvitation', token, company);

    const card = await send('issueCard', token);
    for (const name of ['updateCard', 'suspendCard', 'reactivateCard', 'rotateCard', 'revokeCard'])
      await send(name, token, card);
    const job = await send('startCardBulk', token);
    await send('cancelCardBulk', token, job);

    const single = await send('createSingleUseToken', token);
    await send('peekSingleUseToken', token, single);
    await send('validateSingleUseToken', token, single);

    await send('refreshSession', undefined, session);
    await send('logout', token);
    const all = [...examples()].filter(([, { body }]) => body).map(([name]) => name);
    expect(all.filter((name) => !sent.has(name))).toEqual([]);
  });

  it('of a client in TypeScript sends a photo', async () => {
    const { token } = await administrator(puerta.api());
    const { card_id } = await issueCard(puerta.api(), token);
    const picture = { width: 30, height: 40, channels: 3, background: '#336699' } as const;
    const photo = new Blob([await sharp({ create: picture }).jpeg().toBuffer()]);
    const { setPhoto } = jest.requireActual<{ setPhoto: (...args: unknown[]) => Promise<Card> }>(CLIENT);
    await expect(setPhoto(puerta.url, token, card_id, photo)).resolves.toMatchObject({ photo_url: expect.any(String) });
    await expect(setPhoto(puerta.url, 'x', card_id, photo)).rejects.toThrow('access_token_invalid');
  });
});
