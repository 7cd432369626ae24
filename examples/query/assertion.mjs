// Who asks, by proof: for a service that others than the gateway may reach, or that must know it even if one of them could.
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

/** `PUBLIC_URL` of the gateway, and where it is reached from here. The audience is the route's name in its route file. */
const { ASSERTION_ISSUER, ASSERTION_KEYS_URL } = process.env;
if (!ASSERTION_ISSUER || !ASSERTION_KEYS_URL) throw new Error('ASSERTION_ISSUER and ASSERTION_KEYS_URL must be set');

const EXPECTED = {
  ...{ issuer: ASSERTION_ISSUER, audience: 'query', typ: 'puerta-assertion+jwt', algorithms: ['ES256'] },
  ...{ requiredClaims: ['sub', 'company_id', 'email', 'exp'], clockTolerance: 5 },
};

/** Asked for at the first request, then for a key that is not known, and every five minutes. */
const keys = createRemoteJWKSet(new URL(ASSERTION_KEYS_URL), { cacheMaxAge: 300_000, cooldownDuration: 5_000 });

/** @throws with a status: 401 when there is no proof, 503 when the keys cannot be had */
export async function provenIdentity({ 'x-puerta-assertion': assertion = '' }) {
  try {
    const { payload } = await jwtVerify(assertion, keys, EXPECTED);
    return { user_id: payload.sub, company_id: payload.company_id, email: payload.email, roles: payload.roles };
  } catch (error) {
    const refused = error instanceof errors.JOSEError && !['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC'].includes(error.code);
    throw Object.assign(new Error('there is no proof of who asks', { cause: error }), { status: refused ? 401 : 503 });
  }
}
