import { once } from 'node:events';
import { connect } from 'node:net';
import { expectDescribed } from '@puerta/testing';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/**
 * Sends bytes as they are, where `fetch` would tidy them, and reads one answer, which must be one that is described.
 *
 * @param parts sent one after the other, each when the one before is out
 */
export function sendRaw(url: string, ...parts: (string | Buffer)[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    const finish = (): void => {
      const answer = parse(Buffer.concat(chunks));
      if (!answer) return;
      socket.destroy();
      try {
        expectAnswerDescribed(Buffer.from(parts[0] ?? ''), answer);
        resolve(answer);
      } catch (error) {
        reject(error as Error);
      }
    };
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      finish();
    });
    socket.on('error', (error) => (chunks.length > 0 ? finish() : reject(error)));
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(Buffer.concat(chunks).toString())}`)));
    for (const part of parts) socket.write(part);
  });
}

function expectAnswerDescribed(request: Buffer, { status, headers, text, body }: RawAnswer): void {
  const [, method = '', path = ''] = /^([A-Z]+) ([^ ?]*)/.exec(request.toString('latin1')) ?? [];
  const isJson = /json/.test(headers['content-type'] ?? '');
  const shown = isJson ? body : /^text/.test(headers['content-type'] ?? '') ? text : Buffer.from(text);
  expectDescribed({ method, path, status, headers: new Headers(headers), body: shown });
}

/** Sends bytes as they are, and reads all answers until the other side closes. Rejects if it does so by a reset. */
export async function conversation(url: string, ...parts: (string | Buffer)[]): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.setTimeout(3_000, () => socket.destroy(new Error('the connection was kept')));
  for (const part of parts) socket.write(part);
  await once(socket, 'close');
  const answers: RawAnswer[] = [];
  let rest = Buffer.concat(chunks);
  for (let answer = parse(rest); answer; answer = parse(rest)) {
    answers.push(answer);
    rest = rest.subarray(rest.indexOf('\r\n\r\n') + 4 + Number(answer.headers['content-length'] ?? 0));
  }
  return answers;
}

/** An answer once it is whole; undefined before. */
function parse(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(first.split(' ')[1]);
  if (status === 100) return parse(bytes.subarray(end + 4));
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const length = Number(headers['content-length'] ?? 0);
  const body = bytes.subarray(end + 4);
  if (body.length < length) return undefined;
  const text = body.subarray(0, length).toString();
  return {
    status,
    headers,
    text,
    body: /json/.test(headers['content-type'] ?? '') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
}

/** The bytes of a request; `Content-Length` is added for a body unless the headers speak of its length. */
export function rawRequest({ method = 'GET', path = '/', headers = [], body = '' }: RawRequest): Buffer {
  const bytes = Buffer.from(body);
  const speaksOfLength = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  const length = bytes.length > 0 && !speaksOfLength ? [`Content-Length: ${bytes.length}`] : [];
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, ...length, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

/**
 * Sends bytes as they are, and reads what comes until the other side closes, as Latin-1: for answers that are no problems of
 * ours. Ask with `Connection: close`.
 */
export async function exchange(url: string, ...parts: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.setTimeout(4_000, () => socket.destroy(new Error(`the connection was kept after ${JSON.stringify(text)}`)));
  for (const part of parts) socket.write(part);
  await once(socket, 'close');
  return text;
}
