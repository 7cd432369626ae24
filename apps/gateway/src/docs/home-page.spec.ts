import { rawRequest, sendRaw } from '../../test/raw-http';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const CODE = 'AAAAAAAAAAAAAAAAAAAAAA';

describe('what a browser gets where it looks around', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway();
  });

  afterAll(() => gateway.stop());

  const open = async (path: string, headers: Record<string, string> = { accept: BROWSER }, method = 'GET') => {
    const answer = await fetch(gateway.url + path, { headers, method, redirect: 'manual' });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };

  it.each([
    ['/', 200],
    ['/nothing', 404],
    ['/docs/nothing', 404],
    ['/api/v1/nothing', 404],
    ['/nothing/', 404],
    ['/%zz', 400],
  ])('%s is a page in the language of its reader, and a problem or JSON for programs', async (path, status) => {
    const profile = (await open('/profile')).headers;
    for (const [language, word] of [
      ['en', /lang="en"/],
      ['es', /lang="es"/],
    ] as const) {
      const page = await open(path, { accept: BROWSER, 'accept-language': language });
      expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
      expect(page.text).toMatch(word);
      for (const header of [
        'content-security-policy',
        'referrer-policy',
        'x-frame-options',
        'x-content-type-options',
      ]) {
        expect([header, page.headers.get(header)]).toEqual([header, profile.get(header)]);
      }
      expect(page.headers.get('vary')).toMatch(/\bAccept\b(?!-)/);
      expect(page.headers.get('vary')).toMatch(/Accept-Language/);
      for (const link of status === 400 ? [] : ['/docs', '/docs/errors', '/docs-json']) {
        expect(page.text).toContain(`href="${link}"`);
      }
    }
    for (const accept of ['*/*', 'application/json', 'text/html;q=0, */*']) {
      const answer = await open(path, { accept });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        status,
        expect.stringMatching(/^application\/(problem\+)?json/),
      ]);
      expect(answer.headers.get('vary')).toMatch(/\bAccept\b(?!-)/);
    }
  });

  it('leads to nothing that is not there', async () => {
    const pages = [(await open('/')).text, (await open('/nothing')).text];
    const targets = new Set(
      pages.flatMap((page) => [...page.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, to]) => to)),
    );
    expect(targets.size).toBeGreaterThan(3);
    for (const target of targets) expect([target, (await open(target ?? '')).status]).toEqual([target, 200]);
  });

  it.each([
    ['/docs/', '/docs'],
    ['/docs/errors/', '/docs/errors'],
    ['/docs/errors/?x=1&y=/', '/docs/errors?x=1&y=/'],
    ['/health/', '/health'],
    [`/scan/${CODE}/`, `/scan/${CODE}`],
    ['/api/v1/users/me/', '/api/v1/users/me'],
    ['//', '/'],
  ])('%s leads to %s', async (path, target) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await sendRaw(gateway.url, rawRequest({ method, path, headers: [`Accept: ${BROWSER}`] }));
      expect([answer.status, answer.headers['location']]).toEqual([308, target]);
    }
  });

  it.each([
    '//evil.example.com/',
    '///evil.example.com/',
    '//evil.example.com/docs/',
    '/\\evil.example.com/',
    '/%2f%2fevil.example.com/',
    '/%5cevil.example.com/',
    '//docs/',
    '/docs//',
    '/nothing/',
    '/api/v1/users/login/',
  ])('%s leads nowhere', async (path) => {
    const answer = await sendRaw(gateway.url, rawRequest({ path, headers: [`Accept: ${BROWSER}`] }));
    expect([path, answer.status, answer.headers['location']]).toEqual([path, 404, undefined]);
  });

  it('redirects nothing that changes something', async () => {
    expect(await open('/api/v1/cards/', { accept: '*/*' }, 'POST')).toMatchObject({ status: 404 });
  });

  it('has an icon, and keeps search engines out of what belongs to somebody', async () => {
    const icon = await open('/favicon.ico');
    expect([icon.status, icon.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
    const robots = await open('/robots.txt');
    expect([robots.status, robots.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(robots.text).toMatch(/^User-agent: \*\nDisallow: \/scan\/\nDisallow: \/api\/\n/);
  });
});
