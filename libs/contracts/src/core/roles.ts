/** What a member may do in a company, from least to most. Each role includes all before it. */
export const ROLES = ['member', 'door', 'issuer', 'admin', 'owner'] as const;

export type Role = (typeof ROLES)[number];

/** True if `role` is `least` or more. A missing role is never enough. */
export function isAtLeast(role: Role | null | undefined, least: Role): boolean {
  return role != null && ROLES.indexOf(role) >= ROLES.indexOf(least);
}
