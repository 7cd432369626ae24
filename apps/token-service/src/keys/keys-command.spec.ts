import type { KeyUse } from '@puerta/contracts';
import { TestTokenService } from '../../test/token-service';
import type { KeyListing, KeyTools } from './key-tools';
import { keysCommand } from './keys-command';

let service: TestTokenService;
let tools: KeyTools;

beforeAll(async () => {
  service = await TestTokenService.create();
  tools = await service.tools();
});

afterAll(() => service.close());

beforeEach(async () => {
  await service.database.query('TRUNCATE keys');
  await tools.rotation.tend();
});

const keys = (line: string) => keysCommand(line.split(' ').filter(Boolean), () => Promise.resolve(tools));
const kids = async (use: KeyUse) => (await tools.list(use)).map(({ kid }) => kid) as [string, string, ...string[]];
const states = async (use: KeyUse) => (await tools.list(use)).map(({ state }) => state);
const published = (seconds: number) =>
  service.database.query(`UPDATE keys SET state_since = state_since - $1 * interval '1 second'`, [seconds]);

describe('list', () => {
  it('shows the keys of all uses, or of one, and how they stand', async () => {
    const { code, out = '', err } = await keys('list');
    expect({ code, err }).toEqual({ code: 0, err: undefined });
    const [head, ...lines] = out.trimEnd().split('\n');
    expect(head).toMatch(/^USE {8}KID +STATE {3}SINCE +SIGNED UNTIL {2}ENCRYPTED WITH$/);
    expect(lines).toHaveLength(6);
    const [active] = await kids('access');
    expect(lines[0]).toMatch(
      new RegExp(`^access {5}${active}  active  20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ  - {13}k1$`),
    );
    expect((await keys('list --use ticket')).out?.match(/^ticket/gm)).toHaveLength(2);
  });

  it('shows the same as JSON', async () => {
    const { out = '' } = await keys('list --json');
    const [key] = JSON.parse(out) as KeyListing[];
    expect(key).toEqual({
      ...{ use: 'access', kid: (await kids('access'))[0], state: 'active', state_since: expect.any(String) as string },
      ...{ created_at: expect.any(String) as string, signed_until: null, encrypted_with: 'k1' },
    });
  });

  it('shows nothing of a private key', async () => {
    const sealed = await service.database.query<{ private_key: string }[]>('SELECT private_key FROM keys');
    for (const line of ['list', 'list --json']) {
      const { out = '' } = await keys(line);
      for (const { private_key } of sealed)
        for (const part of private_key.split('.').slice(1)) expect(out).not.toContain(part);
    }
  });
});

describe('rotate', () => {
  it('is refused while some may not have the next key, and done when that is asked for', async () => {
    const [active, next] = await kids('access');
    const { code, err } = await keys('rotate');
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^the next key ${next} was published \\d+ s ago: .* before 600 s\\n$`));
    const { out } = await keys('rotate --now');
    const [, , made] = await tools.list('access');
    expect(out).toMatch(
      new RegExp(
        `^access {5}${active} {2}signs no more; it has signed nothing\\naccess {5}${next} {2}signs from now on\\n` +
          `access {5}\\S{43} {2}was made, is published, and signs next\\naccess {5}${active} {2}is nothing any more; it had signed nothing\\n$`,
      ),
    );
    expect(made?.kid).toBe(active);
  });

  it('is done without being urged when the next key is old enough, of access keys or of those for tickets', async () => {
    await published(601);
    expect((await keys('rotate --use ticket')).code).toBe(0);
    expect(await states('ticket')).toEqual(['active', 'next', 'retired']);
    expect(await states('access')).toEqual(['active', 'next']);
    expect((await keys('rotate')).code).toBe(0);
    expect(await states('access')).toEqual(['active', 'next', 'retired']);
  });
});

describe('retire', () => {
  beforeEach(() => service.database.query(`UPDATE keys SET signed_until = '2100-01-01' WHERE state = 'active'`));

  it('of the active key rotates, by the same rule', async () => {
    const [active] = await kids('access');
    expect((await keys(`retire ${active}`)).code).toBe(1);
    expect((await keys(`retire ${active} --now`)).out).toContain(
      `${active}  signs no more; what it signed is good until 2100-01-01T00:00:00Z at most\n`,
    );
    expect(await states('access')).toEqual(['active', 'next', 'retiring']);
  });

  it('of a retiring key is refused while something that it signed is good, and says how to withdraw it', async () => {
    const [active] = await kids('access');
    await keys('rotate --now');
    expect(await keys(`retire ${active}`)).toEqual({
      code: 1,
      err: `what the key ${active} signed may live until 2100-01-01T00:01:05.000Z, and then it retires by itself; to withdraw it now, kill it\n`,
    });
  });

  it('of a next key replaces it', async () => {
    const [active, next] = await kids('access');
    expect((await keys(`retire ${next}`)).code).toBe(0);
    expect(await states('access')).toEqual(['active', 'next', 'retired']);
    expect((await kids('access'))[0]).toBe(active);
  });

  it('of a retired key has nothing to do', async () => {
    const [, next] = await kids('access');
    await keys(`retire ${next}`);
    expect(await keys(`retire ${next}`)).toEqual({ code: 0, out: `${next} is retired already\n` });
  });
});

describe('kill', () => {
  it('withdraws the active key at once, and the next one signs', async () => {
    const [active, next] = await kids('ticket');
    await service.database.query(`UPDATE keys SET signed_until = '2100-01-01' WHERE state = 'active'`);
    const { code, out } = await keys(`kill ${active}`);
    expect(code).toBe(0);
    expect(out).toContain(`${active.padEnd(43)}  is nothing any more, nor is what it signed\n`);
    expect(out).toContain(`${next.padEnd(43)}  signs from now on\n`);
    expect((await kids('ticket'))[0]).toBe(next);
  });

  it('says what it did as JSON', async () => {
    const [active, next] = await kids('ticket');
    expect(JSON.parse((await keys(`kill ${active} --json`)).out ?? '')).toEqual([
      { kid: active, use: 'ticket', from: 'active', to: 'retired', signed_until: null },
      { kid: next, use: 'ticket', from: 'next', to: 'active', signed_until: null },
      { kid: expect.any(String) as string, use: 'ticket', from: null, to: 'next', signed_until: null },
    ]);
  });

  it('refuses a key that there is not, and one of the other use', async () => {
    const [active] = await kids('ticket');
    expect(await keys('kill nope')).toEqual({ code: 1, err: 'there is no key "nope"; see: npm run keys -- list\n' });
    expect((await keys(`kill ${active} --use access`)).err).toContain(`there is no key "${active}" for access`);
    expect(await states('ticket')).toEqual(['active', 'next']);
  });
});

describe('without asking the database', () => {
  const unread = () => Promise.reject(new Error('must not be opened'));

  it.each(['', '--help', '-h', 'kill --help'])('"%s" shows how it is used', async (line) => {
    const { code, out } = await keysCommand(line.split(' ').filter(Boolean), unread);
    expect(code).toBe(0);
    for (const word of ['list', 'rotate', 'retire <kid>', 'kill <kid>', '--use', '--json', 'Exit code'])
      expect(out).toContain(word);
  });

  it.each([
    ['steal', 'there is no command "steal"'],
    ['--json', 'no command was given'],
    ['kill', 'which key? kill needs a kid'],
    ['kill one two', 'kill was given too much'],
    ['rotate one', 'rotate was given too much'],
    ['list --use other', '--use must be one of access, ticket, assertion'],
    ['list --force', "Unknown option '--force'"],
  ])('"%s" is misunderstood: %s', async (line, message) => {
    expect(await keysCommand(line.split(' '), unread)).toEqual({
      code: 2,
      err: `${message}. See: npm run keys -- --help\n`,
    });
  });
});
