import { canonicalEmail } from '@puerta/contracts';
import { timingSafeEqual } from 'node:crypto';
import { type IdentityKeys, makeSecret } from '../identity-keys';

const SESSION_BYTES = 16;
/** Since the session began in which it was made. */
const LIFE_MS = 365 * 24 * 3600 * 1_000;

/**
 * What a device keeps to be known by when somebody logs in there again: that it once had a session of the account with this
 * e-mail. It opens nothing; with it only its own wrong passwords count against whoever logs in, and not those of strangers. It
 * is the id of the session, which says when that began, and a code that only we can make: so nothing has to be stored.
 */
export class DeviceTokens {
  constructor(private readonly keys: Pick<IdentityKeys, 'devices'>) {}

  /** The same one for all answers of a session. */
  make(sessionId: string, email: string): string {
    const session = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
    // Its length is fixed, so the parts cannot run into each other.
    const code = makeSecret(this.keys.devices, session, canonicalEmail(email));
    return Buffer.concat([session, Buffer.from(code, 'base64url')]).toString('base64url');
  }

  isKnown(token: string, email: string): boolean {
    const session = Buffer.from(token, 'base64url').subarray(0, SESSION_BYTES);
    const [given, made] = [Buffer.from(token), Buffer.from(this.make(session.toString('hex'), email))];
    if (given.length !== made.length || !timingSafeEqual(given, made)) return false;
    // The first 48 bits of a UUIDv7 are the time (RFC 9562 5.7).
    return Date.now() - session.readUIntBE(0, 6) < LIFE_MS;
  }
}
