import { type Actor, ROLES, type Role } from '../core';
import { Choice, Id, KnownEmail } from '../validation';

/** The actor of a message, as a service checks it: a caller that states nonsense is refused, not obeyed in part. */
export class ActorDto implements Actor {
  @Id()
  user_id: string;

  @Id()
  session_id: string;

  @KnownEmail()
  email: string;

  @Id({ optional: true })
  company_id: string | null;

  @Choice(ROLES, { optional: true })
  role: Role | null;
}
