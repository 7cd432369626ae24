import fc from 'fast-check';
import { proxied } from '../../test/proxied';
import { exchange } from '../../test/raw-http';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';
import { checkPath, type PathRule, rivalsOf } from './proxied-path';

const APP = '/api/v1/app';
const ADMIN = '/api/v1/app/admin';
const HELP = '/api/v1/app/admin/help';
const SLASHES = '/api/v1/files';

/** Whose address a path is to a server that forgives everything. */
function lenientOwner(path: string, rules: readonly PathRule[]): string | undefined {
  const segments: string[] = [];
  for (const part of decodedToTheEnd(path).replaceAll('\\', '/').toLowerCase().split('/')) {
    const segment = part.split(';', 1)[0] as string;
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const read = `/${segments.join('/')}/`;
  const owners = rules.map(({ prefix }) => prefix).filter((prefix) => read.startsWith(`${prefix}/`));
  return owners.sort((one, other) => other.length - one.length)[0];
}

function decodedToTheEnd(path: string): string {
  const once = path.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString(),
  );
  return once === path ? path : decodedToTheEnd(once);
}

describe('what a path may be', () => {
  const rules: PathRule[] = [
    { prefix: APP, encodedSlashes: false },
    { prefix: ADMIN, encodedSlashes: true },
    { prefix: HELP, encodedSlashes: false },
    { prefix: SLASHES, encodedSlashes: true },
  ];
  const passes = (path: string, rule: PathRule): boolean => {
    try {
      checkPath(path, rule, rivalsOf(rule, rules));
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'path_ambiguous' });
      return false;
    }
  };

  it('is read in one way alone, however it is written', () => {
    const words = ['admin', 'ADMIN', 'help', 'app', 'files', 'api', 'v1', 'a', 'x.y', '..', '.', '...', ''];
    const marks = [
      '/',
      '//',
      '\\',
      ';',
      ';x=1',
      '%',
      '%2f',
      '%5C',
      '%2e',
      '%25',
      '%252e',
      '%00',
      '%20',
      '%3b',
      '.',
      ' ',
      '%61',
      '%c0%af',
    ];
    const encoded = fc
      .constantFrom(...words)
      .map((word) => [...word].map((letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''));
    const twice = encoded.map((word) => word.replaceAll('%', '%25'));
    const digits = encoded.map((word) =>
      word.replace(/%(.)(.)/g, (_, one: string, two: string) => `%25${hex(one)}${hex(two)}`),
    );
    const piece = fc.oneof(fc.constantFrom(...words, ...marks), encoded, twice, digits, fc.constant('/'));
    const rest = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''));
    let passed = 0;
    fc.assert(
      fc.property(fc.constantFrom(...rules), rest, (rule, more) => {
        const path = `${rule.prefix}/${more}`;
        if (!passes(path, rule)) return;
        passed += 1;
        expect([path, lenientOwner(path, rules)]).toEqual([path, rule.prefix]);
      }),
      { numRuns: 5_000 },
    );
    // Else it would prove nothing.
    expect(passed).toBeGreaterThan(250);
  });

  it('is read once a request, however many routes are below its own', () => {
    const all = Array.from({ length: 500 }, (_, n) => ({ prefix: n ? `${APP}/${n}` : APP, encodedSlashes: false }));
    const rivals = rivalsOf(all[0] as PathRule, all);
    const check = (): void => checkPath(`${APP}/a`, all[0] as PathRule, rivals);
    check();
    const reading = jest.spyOn(String.prototype, 'normalize');
    check();
    expect(reading).toHaveBeenCalledTimes(1);
    reading.mockRestore();
  });

  it.each([
    '/a/b',
    '/a.b',
    '/a..b',
    '/.a',
    '/a.',
    '/...',
    '/a/',
    '/',
    '',
    '/%C3%B1',
    '/a%20b',
    '/a+b',
    '/%25',
    '/100%25',
    '/a:b@c,d=e',
    '/a;b=c',
    '/~a',
    "/a'b",
    '/(a)',
    '/a%3Ab',
    '/a?x=../../admin',
    '/a?x=%2e%2e%00%zz',
    '/a?x=\\',
    '/admins',
    '/administration/x',
  ])('is everything that can be read in one way alone: %s', (path) => {
    expect(passes(`${APP}${path}`, rules[0] as PathRule)).toBe(true);
  });

  it.each(['/a%2Fb', '/a%2fb%5Cc'])('has encoded slashes where the route says so: %s', (path) => {
    expect(passes(`${SLASHES}${path}`, rules[3] as PathRule)).toBe(true);
    expect(passes(`${APP}${path}`, rules[0] as PathRule)).toBe(false);
  });

  it.each(['/..%2fa', '/a%2f..%2fb', '/%2e%2e/a', '/a%5c..%5cb', '/a%252fb', '/..;x%2fa', '/a%2f..%20/b'])(
    'has no dot segments beside encoded slashes: %s',
    (path) => expect(passes(`${SLASHES}${path}`, rules[3] as PathRule)).toBe(false),
  );

  it.each([
    ['full-width letters', '/%EF%BD%81%EF%BD%84%EF%BD%8D%EF%BD%89%EF%BD%8E'],
    ['a dotless i', '/adm%C4%B1n'],
    ['a dot at the end', '/admin.'],
    ['a space at the end', '/admin%20/x'],
    ['parameters', '/admin;v=1/x'],
    ['capital letters', '/Admin'],
    ['what is encoded digit by digit', '/%25%36%31dmin'],
    ['what is encoded three times', '/%2525%36%31dmin'],
    ['a full-width percent sign', '/%EF%BC%8561dmin'],
  ])('has in it no part that another guard protects, by %s', (_, path) => {
    expect(passes(`${APP}${path}`, rules[0] as PathRule)).toBe(false);
  });
});

function hex(digit: string): string {
  return `%${digit.charCodeAt(0).toString(16)}`;
}

/** Ways to write the address of a guarded part that is within an open one. */
function encodings(): string[] {
  const dots = [
    '..',
    '.',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%2e',
    '..;',
    '..;a=b',
    '.;',
    '%252e%252e',
    '..%00',
    '..%20',
    '%c0%ae%c0%ae',
    '%u002e%u002e',
  ];
  const slashes = [
    '/',
    '%2f',
    '%2F',
    '%5c',
    '%5C',
    '\\',
    '//',
    '/./',
    '%252f',
    '%c0%af',
    '%u2215',
    '%EF%BC%8F',
    ';/',
    '/;/',
    '/%20/',
  ];
  const admins = [
    'admin',
    'ADMIN',
    '%61dmin',
    '%41dmin',
    'a%64min',
    'admin;x',
    'admin%00',
    'admin%20',
    'admin.',
    'admin%2e',
    'admi%6E',
    '%2561dmin',
    '%25%36%31dmin',
    'admin%3bx',
    'admin#',
    'admin%23',
    'adm\xedn',
    'admin\t',
    'admin%09',
    'admin%0a',
    'admin%0d%0aX-A:%20b',
    'admin%7f',
    'admin\x7f',
    'admin%',
    'admin%z',
    'admin%2',
    'admin"',
    'admin<',
    'admin|',
  ];
  return [
    ...admins.flatMap((admin) => [`${APP}/${admin}`, `${APP}/${admin}/users`, `${APP}//${admin}/users`]),
    ...slashes.flatMap((slash) => [
      `${APP}${slash}admin${slash}users`,
      `${APP}/a${slash}..${slash}admin`,
      `${SLASHES}/a${slash}b`,
    ]),
    ...dots.flatMap((dot) => [
      `${APP}/a/${dot}/admin/users`,
      `${APP}/${dot}/app/admin`,
      `${SLASHES}/${dot}/app/admin`,
      `${HELP}/${dot}/users`,
      `${HELP}/${dot}`,
    ]),
    ...[
      '/API/V1/app/admin',
      '/api/v1/%61pp/admin',
      '/api/v1/app',
      '/api/v1/app/',
      '/api/v1/app?x',
      '/api/v1/app/?/admin',
      '/api//v1/app/admin',
      '//api/v1/app/admin',
      '/./api/v1/app/a',
      '/api/v1/x/../app/admin',
      '/api/v1/app;x/admin',
      '/api/v1;x/app/admin',
      '/api/v1/app%3fx',
      '/api/v1/app%23',
      '/api/v1/application',
      '/api/v1/app%2Fadmin',
      '/api/v1/app%5Cadmin',
      '/api%2Fv1%2Fapp%2Fadmin',
      `${APP}/${'a/'.repeat(2_000)}`,
      `${APP}/${'a'.repeat(8_000)}`,
      `${APP}/${'%41'.repeat(2_000)}`,
      `${APP}/${'../'.repeat(2_000)}admin`,
    ],
    ...[
      '*',
      'http://localhost/api/v1/app/a',
      'http://localhost/api/v1/app/admin',
      'HTTP://localhost/api/v1/app/admin',
      'https://localhost/api/v1/app/a',
      'http://localhost/api/v1/app/a?x',
      'ftp://localhost/api/v1/app/a',
      'api/v1/app/admin',
      '?/api/v1/app',
      '\\api\\v1\\app\\admin',
      '@localhost/api/v1/app',
      'localhost:80',
      '/\\api/v1/app',
    ],
  ];
}

describe('a path that is forwarded', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  const routes = () => [
    proxied(upstream.url, { name: 'app', prefix: APP, requirement: { guard: 'public' } }),
    proxied(upstream.url, { name: 'admin', prefix: ADMIN }),
    proxied(upstream.url, { name: 'help', prefix: HELP, requirement: { guard: 'public' } }),
    proxied(upstream.url, { name: 'files', prefix: SLASHES, requirement: { guard: 'public' }, encodedSlashes: true }),
  ];

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    gateway = await startTestGateway({}, routes());
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const ask = async (target: string, headers = '', method = 'GET'): Promise<number> => {
    const bytes = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`;
    return Number((await exchange(gateway.url, Buffer.from(bytes, 'latin1'))).slice(9, 12));
  };

  it('is what was matched, byte for byte, and of the part that its guard is for', async () => {
    const all = [...new Set(encodings())];
    expect(all.length).toBeGreaterThan(200);
    let forwarded = 0;
    for (const target of all) {
      upstream.received.length = 0;
      const status = await ask(target);
      expect([target, [200, 400, 401, 404].includes(status)]).toEqual([target, true]);
      expect([target, status === 200]).toEqual([target, upstream.received.length === 1]);
      if (status !== 200) continue;
      forwarded += 1;
      // Without a token nothing gets where somebody forgiving would see the guarded part.
      const path = target.split('?', 1)[0] as string;
      expect([target, upstream.last.url]).toEqual([target, target]);
      expect([target, lenientOwner(path, routes()) === ADMIN]).toEqual([target, false]);
    }
    expect(forwarded).toBeGreaterThan(10);
  });

  it.each(['http://localhost/api/v1/app/a', 'https://localhost/api/v1/app', 'HTTP://localhost/api/v1/app?x'])(
    'is a path, and no other form of a target: %s',
    async (target) => {
      expect(await ask(target)).toBe(400);
      expect(await ask(target, '', 'OPTIONS')).toBe(400);
    },
  );

  it.each(['#', '#/../admin', '?x#y'])('has no fragment: %s', async (fragment) => {
    expect(await ask(`${APP}/a${fragment}`)).toBe(400);
  });

  it('comes with a query of 8 KiB and more as it was sent, whatever is in it', async () => {
    for (const query of ['a'.repeat(8_192), `x=${'%2e%2e%2f'.repeat(1_000)}`, 'a=%zz&b=\\&c=;&d="&e=?/..//', '?', '']) {
      expect([query, await ask(`${APP}/a?${query}`)]).toEqual([query, 200]);
      expect(upstream.last.url).toBe(`${APP}/a?${query}`);
    }
  });
});
