// @ts-check
/** What there is to say of a credential, as lines of text. */
import { built } from '../embedded/built.mjs';
import { inWords, shown } from './words.mjs';

/**
 * @typedef {import('./keys.mjs').KeySource} KeySource
 * @typedef {object} Against what it is checked with
 * @property {Record<Kind, KeySource | undefined>} keys
 * @property {boolean} sharesSecret whether access tokens are HS256
 * @property {string | undefined} issuer
 * @property {Partial<Record<Kind, string | undefined>>} audiences the service of an assertion, the event of a ticket
 */

/** @typedef {'access' | 'scan' | 'assertion' | 'ticket'} Kind */

/** @type {Record<Kind, { one: string, all: string, option: string, audience?: string }>} */
const KINDS = {
  access: { one: 'an access token', all: 'access tokens', option: '--jwks' },
  scan: { one: 'a scan pass', all: 'scan passes', option: '--jwks' },
  assertion: { one: 'an assertion', all: 'assertions', option: '--assertion-jwks', audience: '--service' },
  ticket: { one: 'a ticket', all: 'tickets', option: '--ticket-jwks', audience: '--event' },
};

/** How to have checked what was not. @type {Record<string, (kind: Kind) => string>} */
const MISSING = {
  signature: (kind) => `the signature was not checked: give ${KINDS[kind].option}`,
  issuer: () => '"iss" was not compared: give --issuer',
  audience: (kind) => `"aud" was not compared: give ${KINDS[kind].audience}`,
};

/**
 * @param {import('./credentials.mjs').Signed | import('./credentials.mjs').Opaque | import('./credentials.mjs').Unknown} credential
 * @param {Against} against
 * @returns {Promise<{ lines: string[], good: boolean }>}
 */
export async function report(credential, against) {
  if (credential.is === 'signed') return reportSigned(credential, against);
  const name = credential.is === 'opaque' ? `by its form ${credential.name}` : 'unknown';
  const refused = 'Every verifier of signed tokens refuses it.';
  return { lines: [`kind      ${name}`, ...credential.about.map((line) => `          ${line}`), refused], good: false };
}

/**
 * @param {import('./credentials.mjs').Signed} credential
 * @param {Against} against
 */
async function reportSigned({ token, found }, against) {
  const { decodeToken } = built('libs/auth/src/tokens/token-inspection');
  const { header, claims } = decodeToken(token);
  const kind = kindOf(header);
  const name = kind ? KINDS[kind].one : "none of Puerta's: no verifier expects this typ";
  const lines = [
    `kind      ${name}${found && `, ${found}`}`,
    ...membersOf('header', header),
    ...membersOf('claims', claims),
  ];
  let good = false;
  for (const one of /** @type {Kind[]} */ (Object.keys(KINDS))) {
    const verdict = await verdictOf(token, one, header, against);
    lines.push('', ...verdict.lines);
    good ||= verdict.good;
  }
  return { lines, good };
}

/** @param {Record<string, unknown> | undefined} header */
function kindOf(header) {
  const { TOKEN_KINDS } = built('libs/auth/src/tokens/token-kinds');
  const kinds = /** @type {Kind[]} */ (Object.keys(KINDS));
  return kinds.find((kind) => TOKEN_KINDS[kind].typ === header?.['typ']);
}

/**
 * @param {string} title
 * @param {Record<string, unknown> | undefined} members
 */
function membersOf(title, members) {
  if (!members) return [`${title.padEnd(10)}not readable as a JSON object`];
  const width = Math.max(0, ...Object.keys(members).map((name) => Math.min(name.length, 20)));
  const lines = Object.entries(members).map(([name, value]) => {
    const time = ['exp', 'iat', 'nbf'].includes(name) && typeof value === 'number' ? `: ${inWords(value)}` : '';
    // A kid is long and public.
    const isKid = title === 'header' && name === 'kid' && typeof value === 'string' && value.length <= 64;
    return `${shown(name).slice(0, 40).padEnd(width)}  ${isKid ? value : shown(value)}${time}`;
  });
  return [`${title.padEnd(10)}${lines[0] ?? 'nothing'}`, ...lines.slice(1).map((line) => `          ${line}`)];
}

/**
 * @param {string} token
 * @param {Kind} kind
 * @param {Record<string, unknown> | undefined} header
 * @param {Against} against
 */
async function verdictOf(token, kind, header, { keys, sharesSecret, issuer, audiences }) {
  const { inspectToken } = built('libs/auth/src/tokens/token-inspection');
  const { TokenVerifier } = built('libs/auth/src/tokens/token-verifier');
  const [own, audience] = [keys[kind], audiences[kind]];
  const { findings, unchecked } = await inspectToken(token, kind, { keys: own, issuer, audience });
  const verifier = `The verifier of ${KINDS[kind].all}${kind === 'access' && sharesSecret ? ' (HS256)' : ''}`;
  const reasons = findings.map(
    (/** @type {{ reason: string, detail: string }} */ { reason, detail }) =>
      // A kid that is not known is repeated whole, so that it can be compared.
      `  ${reason.padEnd(14)}${reason === 'unknown_key' ? detail : shown(detail)}`,
  );
  const missing = unchecked.map(
    (/** @type {string} */ what) => `  ${'not checked'.padEnd(14)}${MISSING[what]?.(kind)}`,
  );
  const hint =
    kind === 'access' && !sharesSecret && header?.['alg'] === 'HS256'
      ? ['  to check it by a shared secret, set GATEWAY_JWT_ALGORITHM=HS256 and GATEWAY_JWT_SECRET_FILE']
      : [];
  if (reasons.length > 0) return { lines: [`${verifier} refuses it:`, ...reasons, ...hint], good: false };
  if (missing.length > 0) return { lines: [`${verifier} might take it:`, ...missing, ...hint], good: false };
  // The last word is the verifier's own.
  await new TokenVerifier({ [kind]: own }, issuer).verify(token, kind, audience);
  return { lines: [`${verifier} takes it.`], good: true };
}
