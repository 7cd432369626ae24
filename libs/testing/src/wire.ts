import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between clients and a server on the loopback interface, and can do what networks and servers do. */
export class Wire {
  /** Gets each piece of what the server says on a connection; what it gives is passed on in its place. */
  edit: (piece: Buffer, connection: number) => Buffer = (piece) => piece;
  /** How many bytes of the server's the last connection was given. */
  passed = 0;
  private readonly sockets = new Set<Socket>();
  private frozen = false;
  private most = Infinity;
  private connections = 0;
  private server: Server | undefined;

  /** @param port on which it listens; 0: any that is free */
  constructor(
    private readonly target: Pick<URL, 'hostname' | 'port'>,
    public port = 0,
  ) {}

  async open(): Promise<void> {
    const server = (this.server = createServer((near) => this.join(near)));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** The same URL, through here. */
  through(url: string): string {
    const here = new URL(url);
    [here.hostname, here.port] = ['127.0.0.1', String(this.port)];
    return here.href;
  }

  /** Everything stays open and nothing arrives any more. */
  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    this.cut();
  }

  /** All connections break. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** Each connection made from now on is reset once it was given so many bytes. */
  resetAfter(bytes: number): void {
    this.most = bytes;
  }

  /** And no new ones are accepted. */
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server?.close(() => resolve()) ?? resolve());
  }

  private join(near: Socket): void {
    const { most } = this;
    const connection = (this.connections += 1);
    const far = connect(Number(this.target.port), this.target.hostname);
    this.passed = 0;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
    let given = 0;
    const give = (piece: Buffer): void => {
      const part = piece.subarray(0, most - given);
      this.passed = given += part.length;
      // Whoever reads slowly finds these bytes before the reset.
      near.write(part, () => given >= most && near.resetAndDestroy());
    };
    near.on('data', (piece) => this.frozen || far.write(piece));
    far.on('data', (piece: Buffer) => this.frozen || give(this.edit(piece, connection)));
    if (most === 0) near.resetAndDestroy();
  }
}
