/** What the activity trail records. */
export const ACTIVITY_KINDS = [
  'session.begun',
  'session.ended',
  'session.reuse_detected',
  'company.created',
  'company.updated',
  'invitation.created',
  'invitation.revoked',
  'invitation.accepted',
  'member.joined',
  'member.role_changed',
  'card.issued',
  'card.updated',
  'card.suspended',
  'card.reactivated',
  'card.revoked',
  'card.rotated',
  'card.photo_set',
  'card.photo_removed',
  'token.reused',
] as const;

export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

/** Something that somebody did. It names everything by its id: what there is to know of a person stays where it is. */
export interface ActivityRecord {
  /** Its own; recording it twice makes no difference. */
  readonly id: string;
  readonly kind: ActivityKind;
  /** When, by the clock of the service where it happened. RFC 3339. */
  readonly at: string;
  /** Who did it. */
  readonly actor_user_id: string;
  /** The company it concerns; null when it concerns the user alone. */
  readonly company_id: string | null;
  /** What it was done to: a session, a company, an invitation, a user, a card or a single-use token, as the kind says. */
  readonly subject_id: string;
}
