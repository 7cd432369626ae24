import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Stands between a process and a server, on the loopback interface. Once armed it passes nothing on of the first answer
 * that holds the given bytes, nor of any later one: what was asked has happened, and whoever asked never hears of it.
 */
export class ForgetfulProxy {
  private readonly sockets = new Set<Socket>();
  private needle: string | undefined;
  private heard: () => void = () => undefined;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (client: Socket) => this.join(client));
  }

  static async start(target: number): Promise<ForgetfulProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ForgetfulProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when such an answer has come, and was kept back. */
  forget(needle: string): Promise<void> {
    this.needle = needle;
    return new Promise((resolve) => (this.heard = resolve));
  }

  /** Passes everything on again. */
  disarm(): void {
    this.needle = undefined;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    let forgets = false;
    server.on('data', (chunk) => {
      if (!forgets && this.needle !== undefined && chunk.includes(this.needle)) {
        forgets = true;
        this.heard();
      }
      if (!forgets) client.write(chunk);
    });
    client.pipe(server);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        this.sockets.delete(one);
      });
    }
  }
}
