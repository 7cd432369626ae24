import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream was sent. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A service behind the gateway: keeps what it is sent, and answers 200 with nothing unless a test says otherwise. */
export class TestUpstream {
  readonly received: Received[] = [];
  /** How the next requests are answered, once their body is there. */
  answer: (request: Received, response: ServerResponse) => void = (_request, response) => void response.end();
  /** Set by tests that look at requests before their body is there. */
  listener: RequestListener | undefined;

  private constructor(
    readonly server: Server,
    readonly url: string,
  ) {}

  /** @param host `::1` for one that has an IPv6 address */
  static async start(host = '127.0.0.1', port = 0): Promise<TestUpstream> {
    const server = createServer({ keepAliveTimeout: 60_000, maxHeaderSize: 65_536 });
    server.listen(port, host);
    await once(server, 'listening');
    const { port: listening } = server.address() as AddressInfo;
    const upstream = new TestUpstream(server, `http://${host.includes(':') ? `[${host}]` : host}:${listening}`);
    server.on('request', (request, response) => {
      if (upstream.listener) upstream.listener(request, response);
      else void upstream.#keep(request, response);
    });
    return upstream;
  }

  get last(): Received {
    const last = this.received.at(-1);
    if (!last) throw new Error('the upstream was sent nothing');
    return last;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #keep(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', url = '', rawHeaders, headers } = request;
    const received = { method, url, rawHeaders, headers, body: Buffer.concat(chunks) };
    this.received.push(received);
    this.answer(received, response);
  }
}
