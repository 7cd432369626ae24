import type { Role } from './roles';

/**
 * The user on whose behalf a message is sent. The gateway states it after checking the token, the session and the
 * membership; services believe it from the gateway alone.
 */
export interface Actor {
  readonly user_id: string;
  readonly session_id: string;
  readonly email: string;
  /** The company the user acts in, or null before one is chosen. */
  readonly company_id: string | null;
  /** The role of the user's active membership in that company, read for this request. */
  readonly role: Role | null;
}
