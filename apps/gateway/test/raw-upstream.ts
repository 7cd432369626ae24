import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A service behind the gateway that answers by bytes, as a server of Node's never would. */
export class RawUpstream {
  /** Every connection that was ever made. */
  readonly connections: Socket[] = [];
  /** The heads of all requests. */
  readonly heads: string[] = [];
  /** Told of the head of a request, and of the how manieth on its connection it is, from 1. */
  answer: (socket: Socket, head: string, nth: number) => void = () => undefined;

  private constructor(
    readonly server: Server,
    readonly url: string,
  ) {}

  static async start(host = '127.0.0.1', port = 0): Promise<RawUpstream> {
    const server = createServer({ noDelay: true });
    server.listen(port, host);
    await once(server, 'listening');
    const upstream = new RawUpstream(server, `http://${host}:${(server.address() as AddressInfo).port}`);
    server.on('connection', (socket) => upstream.#serve(socket));
    return upstream;
  }

  /** How many connections are open. */
  get open(): number {
    return this.connections.filter((socket) => !socket.destroyed).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #serve(socket: Socket): void {
    this.connections.push(socket);
    let bytes = '';
    let count = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1');
      for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
        const head = bytes.slice(0, end);
        bytes = bytes.slice(end + 4);
        // What is left of a body is no head.
        if (!/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(head)) continue;
        this.heads.push(head);
        this.answer(socket, head, (count += 1));
      }
    });
  }
}
