import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { proxied } from '../test/proxied';
import { startTestGateway } from '../test/test-gateway';
import { TestUpstream } from '../test/test-upstream';

/** Debian's; where there is none, tunnel.spec.ts is all that is tested. */
const CHROMIUM = '/usr/bin/chromium';

(existsSync(CHROMIUM) ? describe : describe.skip)('a page that opens WebSockets, in a real browser', () => {
  it('says its token among the protocols, and is let in from an origin that is admitted', async () => {
    let script = '';
    let seen: (what: string) => void = () => undefined;
    const pages = createServer((asked, answer) => {
      if (asked.method === 'POST') asked.setEncoding('utf8').on('data', seen);
      answer.setHeader('content-type', 'text/html').end(`<!doctype html><script>${script}</script>`);
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const { port } = pages.address() as AddressInfo;
    const upstream = await TestUpstream.start();
    const sockets = new WebSocketServer({ server: upstream.server });
    sockets.on('connection', (socket) => socket.send('hello'));
    const gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: `http://127.0.0.1:${port}` }, [
      proxied(upstream.url),
    ]);
    const url = `${gateway.url.replace('http', 'ws')}/api/v1/query/live`;
    const bearer = `puerta.bearer.${gateway.accessToken()}`;
    script = `const open = (...protocols) => new Promise((done) => {
      const socket = new WebSocket(${JSON.stringify(url)}, protocols);
      socket.onmessage = ({ data }) => done(data + ' ' + socket.protocol.slice(0, 13));
      socket.onerror = () => done('refused');
    });
    const bearer = ${JSON.stringify(bearer)};
    Promise.all([open(bearer), open('chat', bearer), open('chat'), open()]).then((all) => {
      fetch('/seen', { method: 'POST', body: all.join() });
    });`;
    const seenFrom = async (origin: string): Promise<string> => {
      const told = new Promise<string>((resolve) => (seen = resolve));
      const browser = spawn(CHROMIUM, ['--headless', '--no-sandbox', '--disable-gpu', origin], { stdio: 'ignore' });
      try {
        return await told;
      } finally {
        browser.kill();
        await once(browser, 'exit');
      }
    };
    expect(await seenFrom(`http://127.0.0.1:${port}`)).toBe('hello puerta.bearer,hello chat,refused,refused');
    expect(await seenFrom(`http://localhost:${port}`)).toBe('refused,refused,refused,refused');
    pages.close();
    pages.closeAllConnections();
    await gateway.stop();
    for (const socket of sockets.clients) socket.terminate();
    await upstream.stop();
  });
});
