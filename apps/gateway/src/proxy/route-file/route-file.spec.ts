import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { PROXIED_METHODS, type ProxyRoute } from '../../routes/proxy-route';
import { MAX_FILE_BYTES } from './read-file';
import { parseRouteFile, type Surroundings } from './route-file';
import { routeOf } from './route-of';

const TIMEOUT_MS = 60_000;
const ingest = routeOf({ name: 'ingest', prefix: '/api/v1/ingest', guard: 'strict', target: 'http://i' }, TIMEOUT_MS);

const surroundings: Surroundings = {
  taken: [{ by: 'GATEWAY_INGEST_SERVICE_URL', route: ingest }],
  own: [
    { method: 'GET', pattern: '/' },
    { method: 'GET', pattern: '/health' },
    { method: 'GET', pattern: '/api/v1/users/me' },
    { method: 'GET', pattern: '/scan/:code' },
    { method: 'GET', pattern: '/files/*' },
  ],
  isOwnPlace: (target) => target === 'http://localhost:8080',
  timeoutMs: TIMEOUT_MS,
};

const parse = (text: string) => parseRouteFile(text, surroundings);

const problemsOf = (text: string): string[] =>
  parse(text).problems.map(({ line, column, field, what }) => `${line}:${column} ${field}: ${what}`);

/** One route with what must be said, and these lines more: the first of them is line 6, and begins in column 5. */
const withLines = (...lines: string[]): string =>
  [
    'routes:',
    '  - name: reports',
    '    prefix: /api/v1/reports',
    '    target: http://reports:8000',
    '    guard: strict',
    ...lines.map((line) => `    ${line}`),
    '',
  ].join('\n');

const onlyRoute = (text: string): ProxyRoute => {
  const { routes, problems } = parse(text);
  expect(problems).toEqual([]);
  return routes[0] as ProxyRoute;
};

describe('a good route file', () => {
  it('needs name, prefix, target and guard, and has the rest by itself', () => {
    expect(onlyRoute(withLines())).toEqual({
      name: 'reports',
      prefix: '/api/v1/reports',
      targets: ['http://reports:8000'],
      requirement: { guard: 'strict', leastRole: 'member' },
      methods: PROXIED_METHODS,
      timeouts: { connectMs: TIMEOUT_MS, headersMs: TIMEOUT_MS, idleMs: TIMEOUT_MS, wholeMs: undefined },
      bodyLimit: 2 ** 30,
      retries: 1,
      pass: { authorization: false, cookies: false },
      assertion: false,
      encodedSlashes: false,
      limits: {},
    });
  });

  it('says everything else', () => {
    const route = onlyRoute(`
routes:
  - name: reports-2
    prefix: /api/v1/reports/v2.0_~
    targets: [http://a:80, "https://[fd00::7]:8443"]
    guard: strict
    least_role: admin
    methods: [POST, GET]
    timeouts: { connect: 250ms, headers: 5s, idle: 10m, whole: 1h }
    body_limit: 100 MiB
    retries: 0
    pass: [cookies, authorization]
    assertion: true
    encoded_slashes: true
    limits: { per_address: 600 per 60s, per_user: 10 per 1m, per_company: 5 per 1h }
`);
    expect(route).toEqual({
      name: 'reports-2',
      prefix: '/api/v1/reports/v2.0_~',
      targets: ['http://a', 'https://[fd00::7]:8443'],
      requirement: { guard: 'strict', leastRole: 'admin' },
      methods: ['GET', 'HEAD', 'POST'],
      timeouts: { connectMs: 250, headersMs: 5_000, idleMs: 600_000, wholeMs: 3_600_000 },
      bodyLimit: 100 * 2 ** 20,
      retries: 0,
      pass: { authorization: true, cookies: true },
      assertion: true,
      encodedSlashes: true,
      limits: {
        perAddress: { name: 'route-reports-2-address', count: 600, seconds: 60 },
        perUser: { name: 'route-reports-2-user', count: 10, seconds: 60 },
        perCompany: { name: 'route-reports-2-company', count: 5, seconds: 3_600 },
      },
    });
  });

  it('may hold no route', () => {
    expect(parse('routes: []')).toEqual({ routes: [], problems: [] });
  });

  it.each(['public', 'initial'] as const)('has routes that are %s', (guard) => {
    const route = onlyRoute(withLines('pass: [authorization]').replace('strict', guard));
    expect([route.requirement, route.pass.authorization]).toEqual([{ guard }, true]);
  });

  it('may nest prefixes, also below one that a variable set', () => {
    const text = withLines() + withLines().replace('routes:\n', '').replaceAll('reports', 'reports2');
    const nested = text.replace('prefix: /api/v1/reports2', 'prefix: /api/v1/ingest/reports');
    expect(parse(nested).routes.map(({ prefix }) => prefix)).toEqual(['/api/v1/reports', '/api/v1/ingest/reports']);
    expect(parse(nested.replace('/ingest/', '/reports/')).problems).toEqual([]);
  });

  it('lowers the times that it does not say to the whole that it says', () => {
    expect(onlyRoute(withLines('timeouts: { whole: 5s }')).timeouts).toEqual({
      connectMs: 5_000,
      headersMs: 5_000,
      idleMs: 5_000,
      wholeMs: 5_000,
    });
  });

  it('takes sizes in bytes and in units', () => {
    for (const [text, bytes] of [
      ['0', 0],
      ['1', 1],
      ['1 B', 1],
      ['2KiB', 2_048],
      ['1 TiB', 2 ** 40],
    ] as const) {
      expect(onlyRoute(withLines(`body_limit: ${text}`)).bodyLimit).toBe(bytes);
    }
  });

  it('does not care what a text is quoted with, nor for comments and a byte order mark', () => {
    const text = withLines().replace('reports\n', "'reports' # of the month\n").replace('strict', '"strict"');
    expect(onlyRoute(`\ufeff${text}`)).toEqual(onlyRoute(withLines()));
  });
});

const SIZE = 'is not a size from 0 to 1 TiB, such as 100 MiB, 64 KiB or a number of bytes';
const TIME = 'is not a time from 1ms to 24h, such as 250ms, 5s or 10m';
const RATE = 'is not a limit such as 600 per 60s: 1 to 1000000 within 1s to 24h';

describe('a field of a route', () => {
  it.each<[line: string, problem: string]>([
    ['colour: red', '6:5 routes[0].colour: is no field here; there are name, prefix, target, '],
    ['"a\\u001b[31m": 1', '6:5 routes[0]."a\\u001b[31m": is no field here'],
    ['__proto__: { guard: public }', '6:5 routes[0].__proto__: is no field here'],
    ['constructor: 1', '6:5 routes[0].constructor: is no field here'],
    ['targets: [http://a]', '4:13 routes[0].target: stands beside targets; one of them is enough'],
    ['least_role: chief', '6:17 routes[0].least_role: is not one of member, door, issuer, admin, owner'],
    ['methods: []', '6:14 routes[0].methods: is empty'],
    ['methods: GET', '6:14 routes[0].methods: is not a list'],
    ['methods: [GET, get]', '6:20 routes[0].methods[1]: is not one of GET, HEAD, POST'],
    ['methods: [GET, TRACE]', '6:20 routes[0].methods[1]: is not one of GET, HEAD, POST'],
    ['methods: [GET, CONNECT]', '6:20 routes[0].methods[1]: is not one of GET, HEAD, POST'],
    ['methods: [GET, GET]', '6:14 routes[0].methods: names something twice'],
    ['timeouts: 5s', '6:15 routes[0].timeouts: is not a map of fields'],
    ['timeouts: { conect: 5s }', '6:17 routes[0].timeouts.conect: is no field here; there are connect, headers, idle'],
    ['timeouts: { connect: 5 }', `6:26 routes[0].timeouts.connect: ${TIME}`],
    ['timeouts: { connect: 0s }', `6:26 routes[0].timeouts.connect: ${TIME}`],
    ['timeouts: { headers: 0ms }', `6:26 routes[0].timeouts.headers: ${TIME}`],
    ['timeouts: { idle: 25h }', `6:23 routes[0].timeouts.idle: ${TIME}`],
    ['timeouts: { whole: 5 minutes }', `6:24 routes[0].timeouts.whole: ${TIME}`],
    ['timeouts: { whole: -5s }', `6:24 routes[0].timeouts.whole: ${TIME}`],
    ['timeouts: { whole: ~ }', `6:24 routes[0].timeouts.whole: ${TIME}`],
    ['timeouts: { headers: 5s, whole: 4s }', '6:37 routes[0].timeouts.whole: is less than headers (5s)'],
    ['timeouts: { connect: 5s, whole: 4999ms }', '6:37 routes[0].timeouts.whole: is less than connect (5s)'],
    ['body_limit: 100 MB', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit: -1', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit: 1.5', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit: .inf', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit: 2 TiB', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit: [1]', `6:17 routes[0].body_limit: ${SIZE}`],
    ['body_limit:', `6:16 routes[0].body_limit: ${SIZE}`],
    ['retries: 4', '6:14 routes[0].retries: is more than 3'],
    ['retries: -1', '6:14 routes[0].retries: is less than 0'],
    ['retries: 1.5', '6:14 routes[0].retries: is not a whole number'],
    ['retries: "1"', '6:14 routes[0].retries: is not a whole number'],
    ['pass: [everything]', '6:12 routes[0].pass[0]: is not one of authorization, cookies'],
    ['pass: true', '6:11 routes[0].pass: is not a list'],
    ['assertion: yes', '6:16 routes[0].assertion: is not true or false'],
    ['encoded_slashes: "true"', '6:22 routes[0].encoded_slashes: is not true or false'],
    ['limits: { per_adress: 1 per 1s }', '6:15 routes[0].limits.per_adress: is no field here; there are per_address'],
    ['limits: { per_user: 600 }', `6:25 routes[0].limits.per_user: ${RATE}`],
    ['limits: { per_user: 0 per 60s }', `6:25 routes[0].limits.per_user: ${RATE}`],
    ['limits: { per_user: 600 per 0s }', `6:25 routes[0].limits.per_user: ${RATE}`],
    ['limits: { per_user: 600 per 500ms }', `6:25 routes[0].limits.per_user: ${RATE}`],
    ['limits: { per_user: 1000001 per 60s }', `6:25 routes[0].limits.per_user: ${RATE}`],
    ['limits: { per_user: 1 per 25h }', `6:25 routes[0].limits.per_user: ${RATE}`],
  ])('is refused where it is wrong: %s', (line, problem) => {
    expect(problemsOf(withLines(line))).toEqual([expect.stringContaining(problem)]);
    expect(parse(withLines(line)).routes).toEqual([]);
  });

  it.each([
    '/',
    '',
    'api/v1/reports',
    '/api/v1/reports/',
    '/api//reports',
    '/api/v1/rep%6Frts',
    '/api/v1/rep orts',
    '/api/v1/reports?x=1',
    '/api/v1/reports#x',
    '/api/v1/:reports',
    '/api/v1/*',
    '/api/v1\\reports',
    '/api/v1/repórts',
    '/api/v1/reports;x',
    'http://reports/api',
  ])('refuses the prefix "%s"', (prefix) => {
    const text = withLines().replace('/api/v1/reports', JSON.stringify(prefix));
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^3:13 routes\[0\]\.prefix: is not a path such as/)]);
  });

  it.each(['/api/../reports', '/./reports', '/api/v1/reports/..'])('refuses dot segments: %s', (prefix) => {
    const text = withLines().replace('/api/v1/reports', prefix);
    expect(problemsOf(text)).toEqual(['3:13 routes[0].prefix: has a dot segment']);
  });

  it('refuses a prefix that is too long', () => {
    const text = withLines().replace('/api/v1/reports', `/${'a'.repeat(200)}`);
    expect(problemsOf(text)).toEqual(['3:13 routes[0].prefix: is longer than 200 characters']);
  });

  it.each([
    ['/health', 'GET /health'],
    ['/HEALTH', 'GET /health'],
    ['/health/deep', 'GET /health'],
    ['/api', 'GET /api/v1/users/me'],
    ['/api/v1/users', 'GET /api/v1/users/me'],
    ['/api/v1/users/me', 'GET /api/v1/users/me'],
    ['/api/v1/users/me/reports', 'GET /api/v1/users/me'],
    ['/scan', 'GET /scan/:code'],
    ['/scan/reports', 'GET /scan/:code'],
    ['/Scan/reports', 'GET /scan/:code'],
    ['/scan/reports/more', 'GET /scan/:code'],
    ['/files', 'GET /files/*'],
    ['/files/a/b/c', 'GET /files/*'],
  ])("refuses the prefix %s, for it overlaps Puerta's own %s", (prefix, own) => {
    const text = withLines().replace('/api/v1/reports', prefix);
    expect(problemsOf(text)).toEqual([`3:13 routes[0].prefix: overlaps ${own}, which is Puerta's own`]);
  });

  it.each(['/healthy', '/api/v1/users2', '/api/v1/users/you', '/scanner', '/api/v2'])(
    'takes the prefix %s',
    (prefix) => {
      expect(onlyRoute(withLines().replace('/api/v1/reports', prefix)).prefix).toBe(prefix);
    },
  );

  it.each([
    ['http://reports/', 'has a path; the path of a request is kept as it came'],
    ['http://reports/api', 'has a path; the path of a request is kept as it came'],
    ['http://user:very-secret@reports', 'holds credentials'],
    ['http://reports?x', 'has a query or a fragment'],
    ['ftp://reports', 'does not begin with http:// or https://'],
    ['reports:8000', 'does not begin with http:// or https://'],
    ['http://Reports', 'is not in its normal form (small letters, a plain address, no spaces)'],
    ['http://2130706433', 'is not in its normal form (small letters, a plain address, no spaces)'],
    ['http://', 'is not a URL'],
    ['8000', 'is not an origin such as http://reports:8000'],
    ['http://localhost:8080', 'is the gateway itself'],
  ])('refuses the target %s, and does not repeat it', (target, what) => {
    const text = withLines().replace('http://reports:8000', target);
    expect(problemsOf(text)).toEqual([`4:13 routes[0].target: ${what}`]);
    const list = text.replace('target: ', 'targets:\n      - http://other\n      - ');
    expect(problemsOf(list)).toEqual([`6:9 routes[0].targets[1]: ${what}`]);
  });

  it('refuses targets that are none, too many or the same', () => {
    const withTargets = (targets: string) => withLines().replace('target: http://reports:8000', `targets: ${targets}`);
    expect(problemsOf(withTargets('[]'))).toEqual(['4:14 routes[0].targets: is empty']);
    expect(problemsOf(withTargets('[http://a, http://a:80]'))).toEqual([
      '4:14 routes[0].targets: names something twice',
    ]);
    const many = Array.from({ length: 17 }, (_, at) => `http://r${at}`).join(', ');
    expect(problemsOf(withTargets(`[${many}]`))).toEqual(['4:14 routes[0].targets: has more than 16 items']);
  });

  it.each([
    ['name', '-reports', '2:11 routes[0].name: is not a name: a small letter, '],
    ['name', 'Reports', '2:11 routes[0].name: is not a name: a small letter, '],
    ['name', '7', '2:11 routes[0].name: is not a name: a small letter, '],
    ['name', 'r'.repeat(33), '2:11 routes[0].name: is not a name: a small letter, '],
    ['guard', 'optional', '5:12 routes[0].guard: is not one of public, initial, strict'],
    ['guard', 'scan', '5:12 routes[0].guard: is not one of public, initial, strict'],
    ['guard', '', '5:12 routes[0].guard: is not one of public, initial, strict'],
    ['prefix', '', '3:13 routes[0].prefix: is not a path such as'],
  ])('refuses %s: "%s"', (field, value, problem) => {
    const text = withLines().replace(new RegExp(`${field}: .*`), `${field}: ${value}`);
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
  });

  it.each(['name', 'prefix', 'target', 'guard'])('must be there: %s', (field) => {
    const text = withLines('retries: 0').replace(new RegExp(`${field}: .*`), '');
    const what = field === 'target' ? 'targets' : field;
    expect(problemsOf(text.replace('- \n    ', '- '))).toEqual([`2:5 routes[0]: does not say its ${what}`]);
  });

  it.each([
    ['public', 'least_role: admin', '6:17 routes[0].least_role: needs guard: strict, which alone knows a role'],
    ['initial', 'least_role: member', '6:17 routes[0].least_role: needs guard: strict, which alone knows a role'],
    ['public', 'assertion: true', '6:16 routes[0].assertion: needs a guard: on a public route nobody is known'],
    ['public', 'limits: { per_user: 1 per 1s }', '6:25 routes[0].limits.per_user: needs a guard: on a public route'],
    ['public', 'limits: { per_company: 1 per 1s }', '6:28 routes[0].limits.per_company: needs guard: strict'],
    ['initial', 'limits: { per_company: 1 per 1s }', '6:28 routes[0].limits.per_company: needs guard: strict'],
  ])('is refused where it means nothing: guard %s with %s', (guard, line, problem) => {
    expect(problemsOf(withLines(line).replace('strict', guard))).toEqual([expect.stringContaining(problem)]);
  });
});

describe('a route file', () => {
  it('has all its problems told at once, in the order of the file', () => {
    const text = `
routes:
  - name: one
    prefix: /api/v1/one/
    retries: 9
    colour: red
  - name: one
    prefix: /health
    target: http://localhost:8080
    guard: public
    assertion: true
  - name: ingest
    prefix: /api/v1/ingest
    target: http://i
    guard: strict
    timeouts: { whole: 0s, colour: red }
  - just a text
extras: 1
`;
    expect(problemsOf(text).map((problem) => problem.replace(/;.*|such as.*/, ''))).toEqual([
      '3:5 routes[0]: does not say its guard',
      '3:5 routes[0]: does not say its targets',
      '4:13 routes[0].prefix: is not a path ',
      '5:14 routes[0].retries: is more than 3',
      '6:5 routes[0].colour: is no field here',
      '7:11 routes[1].name: is the same as in line 3',
      "8:13 routes[1].prefix: overlaps GET /health, which is Puerta's own",
      '9:13 routes[1].target: is the gateway itself',
      '11:16 routes[1].assertion: needs a guard: on a public route nobody is known',
      '12:11 routes[2].name: is that of the route of GATEWAY_INGEST_SERVICE_URL',
      '13:13 routes[2].prefix: is that of the route of GATEWAY_INGEST_SERVICE_URL',
      '16:24 routes[2].timeouts.whole: is not a time from 1ms to 24h, ',
      '16:28 routes[2].timeouts.colour: is no field here',
      '17:5 routes[3]: is not a map of fields',
      '18:1 extras: is no field here',
    ]);
  });

  it('names no prefix twice', () => {
    const text = withLines() + withLines().replace('routes:\n', '').replace('name: reports', 'name: other');
    expect(problemsOf(text)).toEqual(['7:13 routes[1].prefix: is the same as in line 3']);
  });

  it.each([
    ['', '1:1 : is not a map with the field routes'],
    ['# nothing', '1:1 : is not a map with the field routes'],
    ['just a text', '1:1 : is not a map with the field routes'],
    ['- name: a', '1:1 : is not a map with the field routes'],
    ['{}', '1:1 : does not have the field routes'],
    ['routes: {}', '1:9 routes: is not a list'],
    ['routes:', '1:8 routes: is not a list'],
    ['routes: []\nroutes: []', '2:1 routes: is said twice'],
    ['routes: [&a {}]', '1:13 routes[0]: has an anchor (&name); there are none here'],
    ['routes: [&a {}, *a]', '1:13 routes[0]: has an anchor (&name); there are none here'],
    ['routes: [!!map {}]', '1:16 routes[0]: has a tag (!name); there are none here'],
    ['!!map {routes: []}', '1:7 : has a tag (!name); there are none here'],
    ['!!str routes: []', '1:7 routes: has a tag (!name); there are none here'],
    ['routes: !own []', '1:9 : is no YAML: Unresolved tag: !own'],
    ['routes: []\n---\nroutes: []', '2:1 : is no YAML: Source contains multiple documents'],
    ['routes: []\n...\nroutes: []', ': is no YAML: Source contains multiple documents'],
    ['%YAML 1.1\n---\nroutes: []', '1:1 : has a directive (%YAML or %TAG); there are none here'],
    ['%TAG !e! tag:x\n---\nroutes: []', '1:1 : has a directive (%YAML or %TAG); there are none here'],
    ['%OWN\n---\nroutes: []', '1:1 : is no YAML: Unknown directive %OWN'],
    ['routes: [', ' : is no YAML: Flow sequence in block collection must be'],
    ['routes:\n\t- a', '2:1 : is no YAML: Tabs are not allowed as indentation'],
    ['[a]: b', '1:1 : is no YAML: With stringKeys, all keys must be strings'],
    ['"\\x1b[31m', 'is no YAML: Missing closing "quote'],
  ])('is refused as a whole: %j', (text, problem) => {
    expect(problemsOf(text)[0]).toContain(problem);
    expect(parse(text).routes).toEqual([]);
  });

  it('names each alias', () => {
    const bomb = ['a: &a [x]', 'b: &b [*a, *a]', 'c: [*b, *b]'].join('\n');
    expect(problemsOf(bomb).filter((problem) => problem.includes('is an alias'))).toHaveLength(4);
  });

  it('says each name once, also where it is deep inside', () => {
    expect(problemsOf(withLines('timeouts: { whole: 1s, whole: 2s }'))).toEqual([
      '6:28 routes[0].timeouts.whole: is said twice',
    ]);
    expect(problemsOf(withLines('guard: public'))).toEqual(['6:5 routes[0].guard: is said twice']);
  });

  it.each(['[', '- ', '? ', '{', '[a,', 'a: ', '[{a: '])('is refused when it is nested deep: %s', (part) => {
    const [problem] = problemsOf(part.repeat(20_000));
    expect(problem).toMatch(/^1:\d+ : is nested more than 32 levels deep$/);
  });
});

describe('whatever stands in a route file', () => {
  // Most of a second on an idle machine; what hangs takes for ever.
  const SLOW_MS = 10_000;
  const judged = (text: string): void => {
    const begun = performance.now();
    const { routes, problems } = parse(text);
    expect(performance.now() - begun).toBeLessThan(SLOW_MS);
    const lines = text.split('\n').length;
    const placed = problems.filter(({ line, column, what }) => line > 0 && line <= lines && column > 0 && what !== '');
    expect(placed).toHaveLength(problems.length);
    if (problems.length > 0) expect(routes).toEqual([]);
  };

  it('gives routes or problems, and nothing is thrown: any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), judged), { numRuns: 200 });
  });

  it('gives routes or problems, and nothing is thrown: what looks like one', () => {
    const words = [
      ...['routes', 'name', 'prefix', 'target', 'targets', 'guard', 'timeouts', 'limits', 'per_user', '__proto__'],
      ...[
        ': ',
        '- ',
        '\n',
        '\n  ',
        '\n    - ',
        '[',
        ']',
        '{',
        '}',
        ', ',
        '"',
        "'",
        '#',
        '&a ',
        '*a',
        '!t ',
        '|',
        '>',
        '? ',
      ],
      ...[
        'strict',
        '/api',
        'http://a',
        '5s',
        '1',
        '~',
        'true',
        '.inf',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '\t',
        '\r',
        '<<',
        '\0',
      ],
    ];
    const text = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(fc.property(text, judged), { numRuns: 500 });
  });

  it('gives routes or problems, and nothing is thrown: any value in any field', () => {
    const field = fc.constantFrom(
      'name',
      'prefix',
      'target',
      'targets',
      'guard',
      'methods',
      'timeouts',
      'limits',
      'pass',
    );
    const route = fc.dictionary(field, fc.jsonValue());
    const text = fc.array(route, { maxLength: 4 }).map((routes) => JSON.stringify({ routes }));
    fc.assert(fc.property(text, judged), { numRuns: 300 });
  });

  it('is judged in time, up to the size that is read', () => {
    judged(']'.repeat(MAX_FILE_BYTES));
    for (const part of [
      '[',
      '- ',
      '&a ',
      '!!x ',
      'a: b: c\n',
      '\t- ',
      '---\n',
      '? ',
      'a:\n',
      '\n ',
      "''",
      '#\n',
      '*a ',
    ]) {
      for (const before of ['', 'routes:\n  - ']) judged(before + part.repeat(500));
    }
    judged(randomBytes(16_384).toString('latin1'));
    judged(Array.from({ length: 7_000 }, (_, at) => `k${at}: 1`).join('\n'));
    judged(`routes: [${'{},'.repeat(20_000)}]`);
    judged(`routes: [${'{},'.repeat(500)}]`);
  });
});
