import { Agent, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { proxied } from '../../test/proxied';
import { exchange } from '../../test/raw-http';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { type Received, TestUpstream } from '../../test/test-upstream';

const STRICT = '/api/v1/query';
const INITIAL = '/api/v1/first';
const PUBLIC = '/api/v1/open';

/** In every value that only a client would send. */
const FAKE = 'spoofed';

/** Headers that say who somebody is, where they are, or what they asked, as services behind a gateway know them. */
const NAMES = [
  'X-User-ID',
  'X-User-Email',
  'X-User-Roles',
  'X-User',
  'X-User-Name',
  'X-Company-ID',
  'X-Company',
  'X-Company-Plan',
  'X-Puerta-Assertion',
  'X-Puerta',
  'X-Puerta-Anything',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X-Forwarded-User',
  'X-Forwarded',
  'Forwarded',
  'X-Real-IP',
  'X-Original-URL',
  'X-Rewrite-URL',
];

type Lines = readonly (readonly [name: string, value: string])[];

/** A name as some servers take it for the same. */
function spellings(name: string): string[] {
  const mixed = [...name].map((letter, i) => (i % 2 ? letter.toUpperCase() : letter.toLowerCase())).join('');
  const separators = ['_', '.', '~', '!', '|', '*', '$', '#'];
  const separated = separators.map((separator) => name.replaceAll('-', separator));
  return [
    ...new Set([name, name.toLowerCase(), name.toUpperCase(), mixed, name.replace(/-(?=[^-]*$)/, '_'), ...separated]),
  ];
}

/** All ways in which a header is sent that are HTTP. */
function variants(): Lines[] {
  return NAMES.flatMap((name) => [
    ...spellings(name).map((spelled) => [[spelled, FAKE]] as const),
    [
      [name, FAKE],
      [name.toLowerCase(), `${FAKE}-2`],
    ],
    [
      [name, ''],
      [name, FAKE],
    ],
    [
      [name, FAKE],
      ['Connection', name],
    ],
    [
      ['Connection', `keep-alive, ${name.toLowerCase()}`],
      [name, FAKE],
    ],
    [[name, `\t ${FAKE} \t`]],
    [[name, `a, ${FAKE}`]],
  ]);
}

describe('headers that say who somebody is', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    const route = (prefix: string, more: Parameters<typeof proxied>[1]) =>
      proxied(upstream.url, { name: prefix.slice(-5).replace('/', 'x'), prefix, ...more });
    gateway = await startTestGateway({}, [
      route(STRICT, {}),
      route(INITIAL, { requirement: { guard: 'initial' } }),
      route(PUBLIC, { requirement: { guard: 'public' } }),
      route('/api/v1/all', { pass: { authorization: true, cookies: true } }),
    ]);
  });

  afterAll(async () => {
    agent.destroy();
    await gateway.stop();
    await upstream.stop();
  });

  const send = (path: string, lines: Lines): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = [['Host', 'localhost'], ['Authorization', `Bearer ${gateway.accessToken()}`], ...lines].flat();
      const sent = httpRequest(`${gateway.url}${path}`, { agent, headers: headers as unknown as string[] });
      sent.on('error', reject).on('response', (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.end();
    });

  /** What arrived, by every reading, of headers that say who it is. */
  const saidOf = ({ rawHeaders }: Received): string[] => {
    const said: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = (rawHeaders[i] as string).replace(/[^A-Za-z0-9]/g, '-').toLowerCase();
      if (/^(x-(user|company|puerta|forwarded)|forwarded|x-real-ip|x-original-url|x-rewrite-url)/.test(name))
        said.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
    }
    return said;
  };

  const forwarded = ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: localhost'];
  const identity = [
    `X-User-ID: ${ACTOR.user_id}`,
    `X-User-Email: ${ACTOR.email}`,
    `X-Company-ID: ${ACTOR.company_id}`,
    'X-User-Roles: owner',
  ];

  it.each([
    [STRICT, [...forwarded, ...identity]],
    [INITIAL, [...forwarded, ...identity]],
    [PUBLIC, forwarded],
  ])('reach no service behind %s, whatever a client sends', async (prefix, expected) => {
    // Half of them elsewhere: an odd number of each name, so that it is the other half of the next.
    const all = variants().filter((_, i) => prefix === STRICT || i % 2 === 0);
    expect(all.length).toBeGreaterThan(prefix === STRICT ? 350 : 175);
    upstream.received.length = 0;
    const statuses = await Promise.all(all.map((lines, i) => send(`${prefix}/${i}`, lines)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(upstream.received).toHaveLength(all.length);
    const wrong = upstream.received.filter(
      (request) => request.rawHeaders.some((text) => text.includes(FAKE)) || saidOf(request).join() !== expected.join(),
    );
    expect(wrong.slice(0, 3)).toEqual([]);
  });

  it.each(NAMES)('do not get through in forms that are no HTTP, nor in a trailer: %s', async (name) => {
    const head = (lines: string, method = 'GET'): string =>
      `${method} ${STRICT}/raw HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.accessToken()}\r\n${lines}Connection: close\r\n\r\n`;
    const forms: [string, readonly number[]][] = [
      [head(`${name} : ${FAKE}\r\n`), [400]],
      [head(`${name}\t: ${FAKE}\r\n`), [400]],
      [head(` ${name}: ${FAKE}\r\n`), [200, 400]],
      [head(`X-Other: a\r\n ${name}: ${FAKE}\r\n`), [200, 400]],
      [head(`X-Other: a\n${name}: ${FAKE}\r\n`), [400]],
      [head(`X-Other: a\r${name}: ${FAKE}\r\n`), [400]],
      [head(`X-Other: a\0${name}: ${FAKE}\r\n`), [400]],
      [head(`${name}\0: ${FAKE}\r\n`), [400]],
      [head(`(${name}): ${FAKE}\r\n`), [400]],
      [head(`${name}:\r\n ${FAKE}\r\n`), [200, 400]],
      [
        `${head(`Trailer: ${name}\r\nTransfer-Encoding: chunked\r\n`, 'POST')}1\r\na\r\n0\r\n${name}: ${FAKE}\r\n\r\n`,
        [200],
      ],
    ];
    upstream.received.length = 0;
    for (const [bytes, admitted] of forms) {
      const answer = await exchange(gateway.url, bytes);
      expect([bytes, admitted.includes(Number(answer.slice(9, 12)))]).toEqual([bytes, true]);
    }
    for (const request of upstream.received) {
      expect(saidOf(request)).toEqual([...forwarded, ...identity]);
      // A folded line is part of another header's value, which is nobody's name.
      const values = request.rawHeaders.filter((text) => text.includes(FAKE));
      expect(values.filter((text) => !text.startsWith('a'))).toEqual([]);
    }
  });

  it('are never the reason for a 5xx, whatever bytes they are of', async () => {
    const bytes = fc.array(fc.oneof(fc.integer({ min: 0x20, max: 0xff }), fc.integer({ min: 0, max: 0xff })), {
      maxLength: 8,
    });
    const value = bytes.map((all) => Buffer.from(all).toString('latin1'));
    const name = fc.oneof(
      value,
      fc.constantFrom('X-A', 'Cookie', 'Host', 'Connection', 'Expect', 'Upgrade', 'TE', 'Via', 'Trailer'),
    );
    const lines = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lines, async (all) => {
        const text = all.map((line) => `${line.join(': ')}\r\n`).join('');
        const head = `GET ${PUBLIC}/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${text}\r\n`;
        expect(await exchange(gateway.url, Buffer.from(head, 'latin1'))).toMatch(/^HTTP\/1\.1 (?:200|4\d\d) /);
      }),
      { numRuns: 300 },
    );
  });

  const arrived = async (path: string, lines: Lines): Promise<Received['headers']> => {
    expect(await send(path, lines)).toBe(200);
    return upstream.last.headers;
  };

  const cookies = [
    'puerta_session=1',
    '__Host-puerta_session=1',
    '__Secure-puerta-a=1',
    'PUERTA_A=1',
    '\tpuerta_x=1',
    // What a browser sends of a cookie that has no name.
    '=puerta_x=1',
    'puerta_alone',
  ];

  it.each([STRICT, INITIAL])('are the only credentials on %s: the token and our cookies stay here', async (prefix) => {
    for (const own of cookies) {
      const headers = await arrived(`${prefix}/a`, [['Cookie', `a=1; ${own}; b=puerta_x`]]);
      expect([own, headers.cookie]).toEqual([own, 'a=1; b=puerta_x']);
      expect(headers).not.toHaveProperty('authorization');
    }
    expect(await arrived(`${prefix}/a`, [['Cookie', 'puerta_a=1']])).not.toHaveProperty('cookie');
  });

  it.each(['Proxy-Authorization', 'Proxy_Authorization', 'PROXY.AUTHORIZATION'])(
    'have no other spelling for the token: %s',
    async (name) => {
      await arrived(`${STRICT}/a`, [[name, `Basic ${FAKE}`]]);
      expect(upstream.last.rawHeaders.join()).not.toContain(`Basic ${FAKE}`);
    },
  );

  it('come with the token and all cookies where the route says so', async () => {
    const headers = await arrived('/api/v1/all/a', [['Cookie', 'a=1; puerta_a=1']]);
    expect([headers.cookie, headers.authorization?.slice(0, 7)]).toEqual(['a=1; puerta_a=1', 'Bearer ']);
  });

  it('leave a public service its own Authorization', async () => {
    const headers = await arrived(`${PUBLIC}/a`, [['Cookie', 'a=1; puerta_a=1']]);
    expect([headers.cookie, headers.authorization?.slice(0, 7)]).toEqual(['a=1', 'Bearer ']);
  });

  it.each(['Content_Length', 'Content.Length', 'Transfer_Encoding', 'CONTENT~LENGTH', 'Ho_st'])(
    'are not the only ones that a service could read in two ways: %s',
    async (name) => {
      await arrived(`${STRICT}/a`, [[name, '4']]);
      const kept = upstream.last.rawHeaders.includes(name);
      expect(kept).toBe(name === 'Ho_st');
    },
  );

  it.each([
    ['abc-DEF_1.2', true],
    ['a'.repeat(64), true],
    ['a'.repeat(65), false],
    ['a b', false],
    ['<script>', false],
    ['', false],
    ['é', false],
    ["a'--", false],
  ])('come with a request id, the client`s where it is safe: %j', async (id, kept) => {
    const headers = await arrived(`${STRICT}/a`, [['X-Request-ID', Buffer.from(id).toString('latin1')]]);
    expect(headers['x-request-id'] === id).toBe(kept);
    expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  });

  it('come with an e-mail of any script as the bytes of its UTF-8', async () => {
    const { facts } = gateway;
    gateway.facts = { ...facts, email: 'añá@例え.jp' };
    const token = gateway.accessToken({ sub: undefined }, { subject: '0197a3a0-0000-7000-8000-000000000001' });
    const answer = await exchange(
      gateway.url,
      `GET ${STRICT}/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
    gateway.facts = facts;
    expect(answer).toContain(' 200 ');
    expect(Buffer.from(String(upstream.last.headers['x-user-email']), 'latin1').toString()).toBe('añá@例え.jp');
  });
});

describe.each([
  // [believed networks, [what the client says, what the service is told]]
  [
    '10.0.0.0/8',
    [
      [['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https'], '127.0.0.1', 'http', 'localhost'],
      [['X-Forwarded-Host: evil.example'], '127.0.0.1', 'http', 'localhost'],
    ],
  ],
  [
    '127.0.0.0/8,10.0.0.0/8',
    [
      [[], '127.0.0.1', 'http', 'localhost'],
      [['X-Forwarded-For: 1.2.3.4'], '1.2.3.4, 127.0.0.1', 'http', 'localhost'],
      // What stands before the first address that is not believed was made up by it.
      [['X-Forwarded-For: 6.6.6.6, 1.2.3.4'], '1.2.3.4, 127.0.0.1', 'http', 'localhost'],
      [
        [
          'X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.1.1.1',
          'X-Forwarded-Proto: https',
          'X-Forwarded-Host: api.example.com',
        ],
        '1.2.3.4, 10.1.1.1, 127.0.0.1',
        'https',
        'api.example.com',
      ],
      [['X-Forwarded-For: <script>, nonsense'], 'nonsense, 127.0.0.1', 'http', 'localhost'],
      [['X-Forwarded-Proto: javascript', 'X_Forwarded_For: 1.2.3.4'], '127.0.0.1', 'http', 'localhost'],
    ],
  ],
] as const)('where a request came from, told by proxies in %s alone', (networks, cases) => {
  let upstream: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    gateway = await startTestGateway({ GATEWAY_TRUSTED_PROXIES: networks }, [proxied(upstream.url)]);
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  it.each(cases)('%j', async (lines, address, proto, host) => {
    const own = `Host: localhost\r\nAuthorization: Bearer ${gateway.accessToken()}\r\nConnection: close\r\n`;
    const said = (lines as readonly string[]).map((line) => `${line}\r\n`).join('');
    await exchange(gateway.url, `GET /api/v1/query HTTP/1.1\r\n${own}${said}\r\n`);
    expect(upstream.last.headers).toMatchObject({
      'x-forwarded-for': address,
      'x-forwarded-proto': proto,
      'x-forwarded-host': host,
    });
  });
});
