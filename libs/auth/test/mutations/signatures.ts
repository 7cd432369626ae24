import { createHash, createHmac } from 'node:crypto';
import { bytesOf, type Live, type Mutation, type Parts } from './live';

/** The order of P-256. */
const N = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

export function* signatures({ token, sign }: Live, parts: Parts): Generator<Mutation> {
  const [header, payload, signature] = parts;
  const input = token.slice(0, token.lastIndexOf('.'));
  const live = bytesOf(signature);
  const as = (name: string, bytes: Buffer): Mutation => [
    `a signature ${name}`,
    `${input}.${bytes.toString('base64url')}`,
  ];
  for (let length = 0; length < live.length; length += 1) yield as(`of ${length} bytes`, live.subarray(0, length));
  for (const fill of [0x00, 0x01, 0x7f, 0x80, 0xff]) yield as(`of ${fill}`, Buffer.alloc(live.length, fill));
  yield as('reversed', Buffer.from(live).reverse());
  yield as('turned over', Buffer.from(live.map((byte) => byte ^ 0xff)));
  yield as('twice', Buffer.concat([live, live]));
  yield as('and a byte', Buffer.concat([live, Buffer.from([0])]));
  yield as('of the other length', Buffer.concat([live, live]).subarray(0, live.length === 64 ? 32 : 64));
  yield as('of the signature', bytesOf(sign(signature, signature).split('.')[2] ?? ''));
  yield as('of the payload', bytesOf(sign('', bytesOf(payload)).split('.')[2] ?? ''));
  yield as('of the header', bytesOf(sign(bytesOf(header), '').split('.')[2] ?? ''));
  yield as('of a hash', createHash('sha256').update(input).digest());
  for (const key of ['', 'secret', header, signature])
    yield as('of an HMAC', createHmac('sha256', key).update(input).digest());
  if (live.length === 64) yield* curvePoints(live, as);
}

/** Numbers that are no signature, though some libraries took some of them (CVE-2022-21449: zeros). */
function* curvePoints(live: Buffer, as: (name: string, bytes: Buffer) => Mutation): Generator<Mutation> {
  const [r, s] = [live.subarray(0, 32), live.subarray(32)].map((half) => BigInt(`0x${half.toString('hex')}`)) as [
    bigint,
    bigint,
  ];
  const whole = (one: bigint, two: bigint): Buffer =>
    Buffer.from([one, two].map((n) => BigInt.asUintN(256, n).toString(16).padStart(64, '0')).join(''), 'hex');
  const edges = [0n, 1n, 2n, N - 1n, N, N + 1n, (1n << 256n) - 1n];
  for (const one of [r, N - r, s, N - s, ...edges]) {
    for (const two of [s, N - s, r, N - r, ...edges]) {
      const isItself = one === r && (two === s || two === N - s);
      if (!isItself) yield as(`(${one}, ${two})`, whole(one, two));
    }
  }
  for (const [one, two] of [
    [r + N, s],
    [r, s + N],
    [-r, s],
    [r, -s],
    [r, s ^ 1n],
    [r >> 1n, s],
  ] as const)
    yield as('around', whole(one, two));
  const der = (n: bigint): Buffer => {
    const hex = n.toString(16);
    const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
    const signed = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, signed.length]), signed]);
  };
  const body = Buffer.concat([der(r), der(s)]);
  yield as('in DER', Buffer.concat([Buffer.from([0x30, body.length]), body]));
  yield as(
    'in DER of 64 bytes',
    Buffer.concat([Buffer.from([0x30, body.length]), body, Buffer.alloc(64)]).subarray(0, 64),
  );
  yield as('with a zero before r', Buffer.concat([Buffer.alloc(1), live]));
  yield as('with a zero before s', Buffer.concat([live.subarray(0, 32), Buffer.alloc(1), live.subarray(32)]));
}
