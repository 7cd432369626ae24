import { encode } from '../tokens';
import { bytesOf, type Live, type Mutation, type Parts, withPart } from './live';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const SPACES = [' ', '\n', '\r\n', '\t', '\0', '\v', '\u00a0', '\u200b', '\u2028', '\ufeff', '%20', '+'];

/** Of the payload, which is long and falls at the signature whatever is changed, one bit of each byte. */
export function* bits(_: Live, parts: Parts): Generator<Mutation> {
  for (const [index, part] of parts.entries()) {
    for (let bit = 0; bit < bytesOf(part).length * 8; bit += index === 1 ? 9 : 1) {
      const bytes = bytesOf(part);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      yield [`bit ${bit} of part ${index + 1}`, withPart(parts, index, bytes.toString('base64url'))];
    }
  }
}

export function* characters({ token }: Live): Generator<Mutation> {
  for (let at = 0; at < token.length; at += 1) {
    const character = token[at] ?? '';
    const other = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
    for (const change of ['', character + character, other, 'A', '.', '=', ' ', '\0', '/', 'é']) {
      yield [`character ${at} as ${JSON.stringify(change)}`, token.slice(0, at) + change + token.slice(at + 1)];
    }
  }
}

export function* encodings({ token }: Live, parts: Parts): Generator<Mutation> {
  const whole: Record<string, string> = {
    percent: token.replaceAll('.', '%2E'),
    'small letters': token.toLowerCase(),
    capitals: token.toUpperCase(),
    hex: Buffer.from(token).toString('hex'),
    base64url: encode(token),
    reversed: [...token].reverse().join(''),
    'full width dots': token.replaceAll('.', '．'),
    'full width letters': [...token]
      .map((one) => (/[A-Za-z0-9]/.test(one) ? String.fromCharCode(one.charCodeAt(0) + 0xfee0) : one))
      .join(''),
    quoted: JSON.stringify(token),
    'with its scheme': `Bearer ${token}`,
    'in a URL': `https://puerta.example.com/profile?token=${token}`,
    'as bytes of UTF-16': Buffer.from(token, 'utf16le').toString('latin1'),
    twice: `${token}${token}`,
    'twice, with a comma': `${token},${token}`,
  };
  yield* Object.entries(whole);
  for (const [index, part] of parts.entries()) {
    const bytes = bytesOf(part);
    const spelt = {
      'padded base64': bytes.toString('base64'),
      'the plain alphabet': bytes.toString('base64').replace(/=+$/, ''),
      hex: bytes.toString('hex'),
      'in clear': bytes.toString('latin1'),
      'encoded twice': encode(part),
      'in lines': part.replace(/.{64}/g, '$&\n'),
      'one pad': `${part}=`,
      'two pads': `${part}==`,
      'a byte more': Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'),
      'a byte before': Buffer.concat([Buffer.alloc(1), bytes]).toString('base64url'),
      'a byte less': bytes.subarray(0, -1).toString('base64url'),
    };
    for (const [name, text] of Object.entries(spelt)) yield [`part ${index + 1} ${name}`, withPart(parts, index, text)];
    for (const space of SPACES) {
      yield [`part ${index + 1} after ${JSON.stringify(space)}`, withPart(parts, index, space + part)];
      yield [`part ${index + 1} before ${JSON.stringify(space)}`, withPart(parts, index, part + space)];
    }
  }
}

export function* shapes(_: Live, [header, payload, signature]: Parts): Generator<Mutation> {
  const orders = [
    [header, signature, payload],
    [payload, header, signature],
    [payload, signature, header],
    [signature, header, payload],
    [signature, payload, header],
    [header, payload],
    [payload, signature],
    [header, signature],
    [header],
    [payload],
    [signature],
    [header, payload, ''],
    ['', payload, signature],
    [header, '', signature],
    ['', '', ''],
    [],
    [header, payload, signature, ''],
    ['', header, payload, signature],
    [header, payload, signature, signature],
    [header, '', payload, signature],
    [header, payload, signature, payload, signature],
    [header, header, signature],
    [header, payload, payload],
  ];
  for (const order of orders) yield ['other parts', order.join('.')];
  for (const glue of ['', '..', ',', ';', ':', '~', '/', ' . ', '\n', '。'])
    yield ['another glue', [header, payload, signature].join(glue)];
  yield ['a JSON serialisation', JSON.stringify({ protected: header, payload, signature })];
  yield ['the general JSON serialisation', JSON.stringify({ payload, signatures: [{ protected: header, signature }] })];
}

/** The same bytes, spelt with other unused bits. */
export function* orphans(_: Live, parts: Parts): Generator<Mutation> {
  for (const [index, part] of parts.entries()) {
    for (const last of ALPHABET)
      yield [`part ${index + 1} ending in ${last}`, withPart(parts, index, part.slice(0, -1) + last)];
  }
}
