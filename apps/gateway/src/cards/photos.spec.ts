import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DomainError } from '@puerta/contracts/core';
import { FolderStorage, STORAGE } from '@puerta/storage';
import { answerOf, HttpClient, waitFor } from '@puerta/testing';
import { rawRequest, sendRaw } from '../../test/raw-http';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';

const MIB = 1_024 * 1_024;
const ID = randomUUID();
const PATH = `/api/v1/cards/${ID}/photo`;

describe('photos of cards', () => {
  let gateway: TestGateway;
  let http: HttpClient;
  let storage: FolderStorage;
  let token: string;

  beforeAll(async () => {
    gateway = await startTestGateway();
    http = new HttpClient(gateway.url);
    storage = gateway.app.get<FolderStorage>(STORAGE);
    token = gateway.accessToken();
  });
  afterAll(() => gateway.stop());

  /** What the card-issuer found under the key that it was given. */
  let found: Buffer | undefined;
  beforeEach(() => {
    gateway.asked.length = 0;
    found = undefined;
    gateway.facts = { user: 'active', session: 'active', email: ACTOR.email, role: 'issuer' };
    gateway.fakes.set('cards.set-photo', async ({ upload }) => {
      const file = await storage.get(String(upload));
      const chunks: Uint8Array[] = [];
      for await (const chunk of file?.content ?? []) chunks.push(chunk as Uint8Array);
      found = Buffer.concat(chunks);
      await storage.delete(String(upload));
      return { ...answerOf('getCard'), card_id: ID };
    });
  });

  const put = (body: Buffer, type = 'image/jpeg', headers: Record<string, string> = {}) =>
    http.put(PATH, body, { token, headers: { 'content-type': type, ...headers } });
  const uploads = (): string[] => {
    const companies = readdirSync(storage.root).includes('uploads') ? readdirSync(join(storage.root, 'uploads')) : [];
    return [
      ...companies.flatMap((company) => readdirSync(join(storage.root, 'uploads', company))),
      ...readdirSync(join(storage.root, 'incoming')),
    ];
  };

  it.each([
    ['image/jpeg', 'jpg'],
    ['image/png', 'png'],
    ['IMAGE/WebP; q=1', 'webp'],
  ])('reach the card-issuer by key, under the company of who sends them: %s', async (type, ending) => {
    const photo = randomBytes(300_000);
    expect(await put(photo, type)).toMatchObject({ status: 200, body: { card_id: ID } });
    expect(found?.equals(photo)).toBe(true);
    expect(gateway.asked).toEqual([
      {
        pattern: 'cards.set-photo',
        data: { card_id: ID, upload: expect.stringMatching(`^uploads/${ACTOR.company_id}/[0-9a-f-]{36}\\.${ending}$`) },
        options: { actor: expect.objectContaining({ user_id: ACTOR.user_id }) as object },
      },
    ]);
    expect(uploads()).toEqual([]);
  });

  const JPEG = Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), randomBytes(70_000)]);
  const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d', 'hex'), randomBytes(1_000)]);
  const WEBP = Buffer.concat([Buffer.from('RIFF\x24\0\0\0WEBPVP8 ', 'latin1'), randomBytes(1_000)]);

  it.each<[called: string[], photo: Buffer, ending: string]>([
    [['image/jpg'], JPEG, 'jpg'],
    [['image/pjpeg'], JPEG, 'jpg'],
    [[], JPEG, 'jpg'],
    [[''], JPEG, 'jpg'],
    [['jpeg'], JPEG, 'jpg'],
    [['application/octet-stream'], PNG, 'png'],
    [['image/jpeg, image/png'], PNG, 'png'],
    [['image/jpeg'], PNG, 'png'],
    [['application/json'], WEBP, 'webp'],
    [['text/plain; charset=utf-8'], WEBP, 'webp'],
    [['multipart/form-data; boundary=x'], WEBP, 'webp'],
    [['image/gif'], WEBP, 'webp'],
  ])('are what their bytes say, though they are called %j', async (called, photo, ending) => {
    const headers = [`Authorization: Bearer ${token}`, ...called.map((type) => `Content-Type: ${type}`)];
    expect(await sendRaw(gateway.url, rawRequest({ method: 'PUT', path: PATH, headers, body: photo }))).toMatchObject({
      status: 200,
      body: { card_id: ID },
    });
    expect(found?.equals(photo)).toBe(true);
    expect(String(gateway.asked[0]?.data['upload']).split('.').at(-1)).toBe(ending);
    expect(uploads()).toEqual([]);
  });

  it('are known by their bytes however few of them come at a time', async () => {
    const head = ['Transfer-Encoding: chunked', `Authorization: Bearer ${token}`];
    const pieces = [...WEBP.subarray(0, 20)].map((byte) =>
      Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]),
    );
    const parts = [...pieces, Buffer.from('0\r\n\r\n')];
    const answer = await sendRaw(gateway.url, rawRequest({ method: 'PUT', path: PATH, headers: head }), ...parts);
    expect(answer).toMatchObject({ status: 200 });
    expect(found?.equals(WEBP.subarray(0, 20))).toBe(true);
  });

  it.each(['ffd8', '89504e470d0a1a', '5249464600000000574542', ''])('are none, and not called one: %s', async (hex) => {
    const headers = [`Authorization: Bearer ${token}`, 'Transfer-Encoding: chunked'];
    const bytes = Buffer.from(hex, 'hex');
    const chunk = bytes.length > 0 ? [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'] : [];
    const parts = [rawRequest({ method: 'PUT', path: PATH, headers }), ...chunk, '0\r\n\r\n'];
    expect(await sendRaw(gateway.url, ...parts)).toMatchObject({ status: 415 });
    expect(gateway.asked).toEqual([]);
    expect(uploads()).toEqual([]);
  });

  it('that are none leave the connection good for the next request', async () => {
    const headers = [`Authorization: Bearer ${token}`, 'Content-Type: text/plain'];
    const junk = rawRequest({ method: 'PUT', path: PATH, headers, body: Buffer.alloc(2 * MIB, 'x') });
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.write(junk);
    await waitFor(() => heard.includes('HTTP/1.1 415'));
    socket.write(rawRequest({ path: '/health' }));
    await waitFor(() => heard.includes('HTTP/1.1 200'));
    socket.destroy();
  });

  it('may have 5 MiB and not a byte more, whether or not their length is told', async () => {
    expect((await put(randomBytes(5 * MIB))).status).toBe(200);
    expect(found).toHaveLength(5 * MIB);
    gateway.asked.length = 0;
    const told = rawRequest({
      method: 'PUT',
      path: PATH,
      headers: [`Authorization: Bearer ${token}`, 'Content-Type: image/png', `Content-Length: ${5 * MIB + 1}`],
    });
    expect(await sendRaw(gateway.url, told)).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });

    const head = ['Content-Type: image/png', 'Transfer-Encoding: chunked', `Authorization: Bearer ${token}`];
    const piece = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536), Buffer.from('\r\n')]);
    const parts = Array.from({ length: 90 }, () => piece);
    const answer = await sendRaw(gateway.url, rawRequest({ method: 'PUT', path: PATH, headers: head }), ...parts);
    expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    expect(answer.body['detail']).toContain('5242880');
    expect(gateway.asked).toEqual([]);
    expect(uploads()).toEqual([]);
  });

  it.each([
    ['application/json', '{}'],
    ['image/svg+xml', '<svg/>'],
    ['image/gif', 'GIF89a'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['image/jpeg, image/png', 'x'],
    ['text/html', '<html>'],
  ])('are not sent as %s', async (type, text) => {
    const answer = await put(Buffer.from(text), type);
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    expect(answer.body['detail']).toContain('image/jpeg, image/png, image/webp');
    expect(uploads()).toEqual([]);
  });

  it('are not sent compressed, nor without a type, nor empty', async () => {
    expect((await put(Buffer.from('x'), 'image/png', { 'content-encoding': 'gzip' })).status).toBe(415);
    const headers = [`Authorization: Bearer ${token}`];
    const untyped = await sendRaw(gateway.url, rawRequest({ method: 'PUT', path: PATH, headers, body: 'x' }));
    expect(untyped.status).toBe(415);
    expect(await sendRaw(gateway.url, rawRequest({ method: 'PUT', path: PATH, headers }))).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
  });

  it('are read only of who may send them', async () => {
    const photo = randomBytes(1_000);
    const headers = { 'content-type': 'image/png' };
    expect((await http.put(PATH, photo, { headers })).status).toBe(401);
    gateway.facts = { ...gateway.facts, role: 'member' };
    expect(await put(photo)).toMatchObject({ status: 403, body: { code: 'role_required' } });
    gateway.facts = { ...gateway.facts, role: null };
    expect(await put(photo)).toMatchObject({ status: 403, body: { code: 'not_a_member' } });
    expect(gateway.asked).toEqual([]);
    expect(uploads()).toEqual([]);
  });

  it.each(['card_not_found', 'validation_failed', 'service_unavailable', 'overloaded'] as const)(
    'leave nothing behind when the card-issuer answers %s',
    async (code) => {
      gateway.fakes.set('cards.set-photo', () => {
        throw new DomainError(code);
      });
      expect((await put(randomBytes(1_000))).body['code']).toBe(code);
      expect(uploads()).toEqual([]);
    },
  );

  it('are left to whoever may still be at work on them', async () => {
    gateway.fakes.set('cards.set-photo', () => {
      throw new DomainError('outcome_unknown');
    });
    expect((await put(randomBytes(1_000))).status).toBe(504);
    const { upload } = gateway.asked[0]?.data ?? {};
    expect(await storage.head(String(upload))).toBeDefined();
    await storage.delete(String(upload));
  });

  it('leave nothing behind when the sender goes away', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const headers = [`Authorization: Bearer ${token}`, 'Content-Type: image/png', 'Content-Length: 1000000'];
    socket.write(rawRequest({ method: 'PUT', path: PATH, headers, body: Buffer.alloc(100_000) }));
    await waitFor(() => uploads().length === 1);
    socket.destroy();
    await waitFor(() => uploads().length === 0);
    expect(gateway.asked).toEqual([]);
  });

  it('are taken off', async () => {
    gateway.fakes.set('cards.remove-photo', () => ({ ...answerOf('getCard'), card_id: ID }));
    expect(await http.delete(PATH, { token })).toMatchObject({ status: 200, body: { card_id: ID } });
    expect(gateway.asked).toMatchObject([{ pattern: 'cards.remove-photo', data: { card_id: ID } }]);
  });
});
