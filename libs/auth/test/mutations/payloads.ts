import { encode } from '../tokens';
import { bytesOf, type Live, type Mutation, type Parts } from './live';

/** What nobody has signed: the signature is the one of the live token. */
export function* payloads(_: Live, [header, payload, signature]: Parts): Generator<Mutation> {
  const text = bytesOf(payload).toString();
  const claims = JSON.parse(text) as Record<string, unknown>;
  const unsigned = (name: string, changed: string | Buffer): Mutation => [
    name,
    `${header}.${encode(changed)}.${signature}`,
  ];
  for (const [name, value] of Object.entries(claims)) {
    for (const other of [null, '', 0, -1, 1e15, true, [], {}, [value], 'x', `${String(value)}0`, '__proto__']) {
      yield unsigned(`${name} as ${JSON.stringify(other)}`, JSON.stringify({ ...claims, [name]: other }));
    }
    yield unsigned(`no ${name}`, JSON.stringify({ ...claims, [name]: undefined }));
    yield unsigned(`${name} twice`, `${text.slice(0, -1)},"${name}":${JSON.stringify(value)}}`);
    yield unsigned(`${name} twice, the first another`, text.replace('{', `{"${name}":"x",`));
    yield unsigned(
      `${name} escaped`,
      text.replace(`"${name}"`, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`),
    );
    yield unsigned(`${name} with a space`, text.replace(`"${name}":`, `"${name}": `));
  }
  const numbers = text.replace(/"exp":(\d+)/, (_match, digits: string) => `"exp":${digits}.0`);
  const others = [
    ` ${text}`,
    `${text}\n`,
    `\ufeff${text}`,
    JSON.stringify(claims, null, 1),
    numbers,
    text.replace(/"exp":\d+/, '"exp":1e999'),
    JSON.stringify(Object.fromEntries(Object.entries(claims).reverse())),
    'null',
    '[]',
    '{}',
    '""',
    `${text}${text}`,
    text.slice(0, -1),
    JSON.stringify({ ...claims, admin: true }),
    JSON.stringify({ ...claims, nbf: 0 }),
    text.replace('{', '{"__proto__":{},'),
    Buffer.from(text, 'utf16le'),
  ];
  for (const other of others) yield unsigned('another payload', other);
}
