// @ts-check
/** `npm run tokens -- inspect`: never prints the token, its signature or a secret. */
import { parseArgs } from 'node:util';
import { Refusal } from '../launcher/stopped.mjs';
import { recognise } from './credentials.mjs';
import { readKeys, sharedSecret } from './keys.mjs';
import { report } from './report.mjs';
import { printable } from './words.mjs';

const HELP = `npm run --silent tokens -- inspect [options] [TOKEN | -]

Decodes an access token, a scan pass, an assertion or a ticket, and says of each verifier of Puerta's whether it takes it, and else
everything that it would refuse it for. Says of other credentials (refresh tokens, codes of cards, single-use tokens) what
they are by their form. The token is read from standard input (paste it, press Enter and Ctrl-D) unless it is given:
arguments stay in the history of the shell, and other users of the machine see them. It is never printed, nor is its
signature.

  npm run --silent tokens -- inspect --jwks https://puerta.example.com/.well-known/jwks.json

  --jwks <URL or file>          the public keys of access tokens and scan passes
  --assertion-jwks <URL or file>
                                the public keys of assertions
  --ticket-jwks <URL or file>   the public keys of tickets
  --issuer <URL>                PUBLIC_URL of the installation, which "iss" must be (or PUBLIC_URL)
  --service <name>              the route, or service behind the gateway, that an assertion must be for
  --event <id>                  the event that a ticket must be for
  --help                        show this

With GATEWAY_JWT_ALGORITHM=HS256 and GATEWAY_JWT_SECRET (or GATEWAY_JWT_SECRET_FILE) in the environment, access tokens are
checked as an installation with that secret does.

Exit code: 0 a verifier takes it, 1 none does, or something could not be checked, 2 it could not be looked at.
`;

/** Longer than anything that is a token. */
const MOST_BYTES = 65_536;

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {NodeJS.ReadStream} stdin
 * @returns {Promise<number>}
 */
export async function inspect(args, env, stdin) {
  const options = /** @type {const} */ ({
    jwks: { type: 'string' },
    'assertion-jwks': { type: 'string' },
    'ticket-jwks': { type: 'string' },
    issuer: { type: 'string' },
    service: { type: 'string' },
    event: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 1) throw new Refusal('there is more than one token. See: npm run tokens -- inspect --help');
  const secret = sharedSecret(env);
  const [keys, assertionKeys, ticketKeys] = await Promise.all(
    [values.jwks, values['assertion-jwks'], values['ticket-jwks']].map(readKeys),
  );
  const [given = '-'] = positionals;
  const text = given === '-' ? await readAll(stdin) : given;
  if (text === '') throw new Refusal('there is no token: standard input was empty');

  const credential = recognise(text);
  const { lines, good } = await report(credential, {
    keys: { access: secret ?? keys, scan: keys, assertion: assertionKeys, ticket: ticketKeys },
    sharesSecret: secret !== undefined,
    issuer: values.issuer || env['PUBLIC_URL'] || undefined,
    audiences: { assertion: values.service, ticket: values.event },
  });
  process.stdout.write(`${lines.map(printable).join('\n')}\n`);
  return good ? 0 : 1;
}

/** @param {NodeJS.ReadStream} stdin */
async function readAll(stdin) {
  if (stdin.isTTY) process.stderr.write('Paste the token, then press Enter and Ctrl-D.\n');
  let text = '';
  for await (const chunk of stdin) {
    text += chunk;
    if (text.length > MOST_BYTES) throw new Refusal(`that is no token: it has more than ${MOST_BYTES} bytes`);
  }
  // What pasting and echo put behind it. Other white space would be refused, and is told.
  return text.replace(/\r?\n$/, '');
}
