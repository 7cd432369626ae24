import { bytesOf, type Live, type Mutation, type Parts } from './live';

/** What the genuine key would sign if its holder could be talked into it. */
export function* headers({ sign }: Live, parts: Parts): Generator<Mutation> {
  const payload = bytesOf(parts[1]);
  const text = bytesOf(parts[0]).toString();
  const header = JSON.parse(text) as Record<string, string>;
  const signed = (name: string, changed: string | Buffer): Mutation => [name, sign(changed, payload)];
  const values: Record<string, unknown[]> = {
    alg: [
      'none',
      'None',
      'NONE',
      'nOnE',
      'HS256',
      'HS384',
      'HS512',
      'RS256',
      'PS256',
      'ES256',
      'ES384',
      'ES512',
      'ES256K',
      'EdDSA',
      'es256',
    ],
    typ: [
      'JWT',
      'jwt',
      'at+jwt',
      'scan+jwt',
      'ticket+jwt',
      'AT+JWT',
      'application/at+jwt',
      'puerta-assertion+jwt',
      'at',
    ],
    kid: [
      'k2',
      'K1',
      '../k1',
      "k1'--",
      'k1\0',
      '__proto__',
      'constructor',
      'k'.repeat(65),
      'https://evil.example/jwks.json',
    ],
  };
  for (const [member, others] of Object.entries(values)) {
    const own = header[member] ?? '';
    const variants = [
      ...others,
      '',
      ` ${own}`,
      `${own} `,
      `${own}\n`,
      `${own}\0`,
      own.toUpperCase(),
      own.slice(1),
      `${own}=`,
      null,
      0,
      true,
      [own],
      { '': own },
    ];
    for (const value of variants) {
      if (value !== own)
        yield signed(`${member} ${JSON.stringify(value)}`, JSON.stringify({ ...header, [member]: value }));
    }
    yield signed(`no ${member}`, JSON.stringify({ ...header, [member]: undefined }));
    yield signed(`${member} in capitals`, text.replace(`"${member}"`, `"${member.toUpperCase()}"`));
    yield signed(`${member} twice, alike`, `${text.slice(0, -1)},"${member}":"${own}"}`);
    yield signed(`${member} twice, the first another`, text.replace('{', `{"${member}":"none",`));
    yield signed(`${member} twice, the last another`, `${text.slice(0, -1)},"${member}":"none"}`);
    yield signed(
      `${member} escaped`,
      text.replace(`"${member}"`, `"\\u00${member.charCodeAt(0).toString(16)}${member.slice(1)}"`),
    );
    yield signed(
      `${member}'s value escaped`,
      text.replace(`"${own}"`, `"\\u00${own.charCodeAt(0).toString(16)}${own.slice(1)}"`),
    );
  }
  const more: Record<string, unknown> = {
    jwk: { kty: 'oct', k: 'AAAA' },
    jku: 'https://evil.example',
    x5u: 'https://evil.example',
    x5c: ['MIIB'],
    x5t: 'AAAA',
    'x5t#S256': 'AAAA',
    crit: ['exp'],
    b64: true,
    cty: 'JWT',
    zip: 'DEF',
    enc: 'A256GCM',
    epk: {},
    iss: 'x',
    aud: 'puerta',
    exp: 1,
    nonce: 'x',
    '': '',
    constructor: 'x',
    toJSON: 'x',
    prototype: {},
  };
  for (const [name, value] of Object.entries(more))
    yield signed(`also ${name}`, JSON.stringify({ ...header, [name]: value }));
  yield signed('also __proto__', text.replace('{', '{"__proto__":{},'));
  for (let at = 1; at < text.length; at += 1) {
    if (/["{}:,]/.test(text[at] ?? '') || /["{:,]/.test(text[at - 1] ?? ''))
      yield signed(`a space at ${at}`, `${text.slice(0, at)} ${text.slice(at)}`);
  }
  const spellings: (string | Buffer)[] = [
    ` ${text}`,
    `${text} `,
    `${text}\n`,
    `\ufeff${text}`,
    `${text}{}`,
    `${text},`,
    `[${text}]`,
    `"${text.replaceAll('"', '\\"')}"`,
    `${text}\0`,
    text.replaceAll('"', "'"),
    text.replaceAll('"', ''),
    text.replace('}', ',}'),
    text.replace('{', '{/**/'),
    text.slice(0, -1),
    text.slice(1),
    'null',
    'true',
    '0',
    '""',
    '[]',
    '{}',
    '',
    JSON.stringify(header, null, 2),
    JSON.stringify(Object.entries(header)),
    Buffer.from(text, 'utf16le'),
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
    Buffer.from([0x7b, 0xff, 0x7d]),
  ];
  for (const spelling of spellings) yield signed(`a header as ${JSON.stringify(spelling.toString())}`, spelling);
}
