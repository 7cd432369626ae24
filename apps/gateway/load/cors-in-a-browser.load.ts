import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { EXPOSED_HEADERS, READ_HEADERS } from '../src/http/header-names';
import { startTestGateway } from '../test/test-gateway';

/** Debian's; where there is none, cors.spec.ts is all that is tested. */
const CHROMIUM = '/usr/bin/chromium';
/** Browsers set these themselves. */
const OWN = ['Content-Encoding', 'Content-Type'];

(existsSync(CHROMIUM) ? describe : describe.skip)('a page of another origin, in a real browser', () => {
  it('sends every header that a route reads, gets 304 for what it has, and reads what is exposed', async () => {
    let script = '';
    const pages = createServer((_asked, answer) => {
      answer
        .setHeader('content-type', 'text/html')
        .end(`<!doctype html><pre id="seen"></pre><script>${script}</script>`);
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: origin });
    const values: Record<string, string> = {
      Authorization: 'Bearer x',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const headers = Object.fromEntries(
      READ_HEADERS.filter((name) => !OWN.includes(name)).map((name) => [name, values[name] ?? 'en']),
    );
    script = `(async () => {
      const url = ${JSON.stringify(`${gateway.url}/.well-known/jwks.json`)};
      const first = await fetch(url);
      const etag = first.headers.get('etag');
      const again = await fetch(url, { headers: { ...${JSON.stringify(headers)}, 'If-None-Match': etag } });
      const seen = ${JSON.stringify(EXPOSED_HEADERS)}.filter((name) => again.headers.has(name));
      return [first.status, etag !== null, again.status, seen.includes('X-Request-ID'), seen.includes('ETag')].join();
    })().catch(String).then((text) => { document.getElementById('seen').textContent = text; });`;
    const options = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--virtual-time-budget=10000',
      '--dump-dom',
      origin,
    ];
    const { stdout } = await promisify(execFile)(CHROMIUM, options, { timeout: 60_000 });
    expect(/<pre id="seen">(.*?)<\/pre>/.exec(stdout)?.[1]).toBe('200,true,304,true,true');
    pages.close();
    await gateway.stop();
  });
});
