// @ts-check
/** What a credential is, by its form alone. */
import { built } from '../embedded/built.mjs';

/**
 * @typedef {{ is: 'signed', token: string, found: string }} Signed
 * @typedef {{ is: 'opaque', name: string, about: string[] }} Opaque
 * @typedef {{ is: 'unknown', about: string[] }} Unknown
 */

/**
 * @param {string} text
 * @returns {Signed | Opaque | Unknown}
 */
export function recognise(text) {
  const [, scheme, bare = ''] = /^((?:authorization:\s*)?bearer )?([^]*)$/i.exec(text) ?? [];
  const parameter = tokenInAddress(bare);
  if (parameter !== undefined) return { is: 'signed', token: parameter, found: 'in the address of a profile page' };
  const known = opaque(bare);
  if (known) return known;
  if (!bare.includes('.') || bare.includes('://')) return unknown(bare);
  return { is: 'signed', token: bare, found: scheme ? 'behind "Bearer"' : '' };
}

/** A scan leads to `…?token=<scan pass>`. @param {string} text */
function tokenInAddress(text) {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).searchParams.get('token') ?? undefined;
}

/**
 * @param {string} text
 * @returns {Opaque | undefined}
 */
function opaque(text) {
  const { CARD_CODE, SINGLE_USE_CODE, SINGLE_USE_TOKEN } = built('libs/contracts/src/core/index');
  const [, inAddress] = /^(?:https?:\/\/[^/]+)?\/scan\/([^/?#]+)$/.exec(text) ?? [];
  const code = inAddress ?? text;
  if (CARD_CODE.test(code)) {
    return {
      is: 'opaque',
      name: inAddress === undefined ? 'the code of a card' : 'the address of a card',
      about: [
        '128 bits that say nothing by themselves. It is good until the card is rotated.',
        'GET /scan/{code} takes it.',
      ],
    };
  }
  if (SINGLE_USE_CODE.test(text)) {
    return {
      is: 'opaque',
      name: 'a single-use code',
      about: [
        'It is good once, for at most 15 minutes, with the purpose and the subject that it was made for.',
        'POST /api/v1/token/validate takes it.',
      ],
    };
  }
  if (SINGLE_USE_TOKEN.test(text)) {
    const expires = new Date(Buffer.from(text, 'base64url').readUIntBE(0, 6));
    const when = Number.isNaN(expires.getTime()) ? 'no time that there is' : expires.toISOString();
    return {
      is: 'opaque',
      name: 'a single-use token',
      about: [
        `Unless it was altered it expires, or has, at ${when}.`,
        "It is good once, for its maker's company, with the purpose and the subject that it was made for.",
        'POST /api/v1/token/validate takes it, or, if a service made it for itself, that service alone.',
      ],
    };
  }
  if (/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text)) {
    return {
      is: 'opaque',
      name: 'a refresh token, or the secret of an invitation',
      about: [
        '256 bits that say nothing by themselves; both look alike.',
        'POST /api/v1/users/refresh takes the one; POST /api/v1/users/register and ensure-company the other.',
      ],
    };
  }
  return undefined;
}

/**
 * @param {string} text
 * @returns {Unknown}
 */
function unknown(text) {
  const space = /^\s|\s$/.test(text) ? ' There is white space around it, which no verifier forgives.' : '';
  return {
    is: 'unknown',
    about: [`It has ${text.length} characters, and the form of nothing that Puerta issues.${space}`],
  };
}
