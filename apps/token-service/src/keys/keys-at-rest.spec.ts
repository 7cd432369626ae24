import { TestTokenService } from '../../test/token-service';
import { KeyCipher } from './key-cipher';

let service: TestTokenService;

beforeAll(async () => {
  service = await TestTokenService.create();
});

afterAll(() => service.close());

beforeEach(async () => {
  await service.database.query('TRUNCATE keys');
  await (await service.tools()).rotation.tend();
});

const rows = () => service.database.query<{ kid: string; private_key: string }[]>('SELECT kid, private_key FROM keys');

/** Every row of every table of the service, as text. */
async function dump(): Promise<string> {
  const tables = await service.database.query<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'token_service'`,
  );
  const contents = await Promise.all(
    tables.map(({ name }) => service.database.query<unknown[]>(`SELECT row_to_json(t)::text FROM ${name} t`)),
  );
  return JSON.stringify(contents);
}

it('no private key can be read from the database, in whatever form, before or after it is retired', async () => {
  const cipher = new KeyCipher(service.config().TOKEN_SERVICE_KEY_ENCRYPTION_KEYS);
  const secrets = (await rows()).flatMap(({ kid, private_key }) => {
    const key = cipher.open(kid, private_key);
    const { d = '' } = key.export({ format: 'jwk' });
    const forms = [
      key.export({ type: 'pkcs8', format: 'der' }),
      key.export({ type: 'sec1', format: 'der' }),
      Buffer.from(d, 'base64url'),
    ];
    // Bytes may stand anywhere in a text of base64: what is looked for are the bytes themselves, and every such text of them.
    return forms.flatMap((bytes) => [
      ...(['hex', 'base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).replace(/=+$/, '')),
      ...[1, 2].map((skip) => bytes.subarray(skip).toString('base64url').slice(0, 24)),
    ]);
  });
  expect(secrets).toHaveLength(6 * 3 * 5);
  const { rotation } = await service.tools();
  for (const look of [1, 2]) {
    const text = await dump();
    expect(text).toContain((await rows())[0]?.kid);
    for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    expect(text.includes('PRIVATE KEY')).toBe(false);
    if (look === 1) for (const { kid } of await rows()) await rotation.kill(kid);
  }
});

it('of a retired key nothing is left but its name and its public half', async () => {
  const { rotation } = await service.tools();
  const before = await rows();
  for (const { kid } of before) await rotation.kill(kid);
  const text = await dump();
  for (const { private_key } of before) expect(text.includes(private_key)).toBe(false);
});

it.each([
  ['a second active key', `UPDATE keys SET state = 'active' WHERE state = 'next'`],
  ['a second next key', `UPDATE keys SET state = 'next' WHERE state = 'active'`],
  ['another use', `UPDATE keys SET use = 'other'`],
  ['the use of another', `UPDATE keys SET use = 'access' WHERE use = 'ticket'`],
  ['the use of another, of the same form', `UPDATE keys SET use = 'access' WHERE use = 'assertion'`],
  ['another state', `UPDATE keys SET state = 'resting'`],
  ['a private key in the public one', `UPDATE keys SET public_jwk = '{"d": "1"}'`],
  ['a private key in clear', `UPDATE keys SET private_key = '-----BEGIN PRIVATE KEY-----'`],
  ['no private key', `UPDATE keys SET private_key = NULL`],
  ['a private key that is retired', `UPDATE keys SET state = 'retired'`],
  ['a next key that has signed', `UPDATE keys SET signed_until = now() WHERE state = 'next'`],
  ['the kid of another', `UPDATE keys SET kid = 'abcd' WHERE use = 'ticket'`],
])('no row is admitted with %s', async (_, statement) => {
  await expect(service.database.query(statement)).rejects.toThrow(/constraint/);
});
