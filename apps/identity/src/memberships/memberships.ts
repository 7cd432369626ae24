import { DomainError, type Role } from '@puerta/contracts';
import { violates } from '@puerta/database';
import type { EntityManager } from 'typeorm';
import { note } from '../activity/activity.service';
import { rowsOf } from '../sql';

/**
 * Makes a user a member of a company, in one statement: parallel calls find the same one membership. Whoever is a member
 * already keeps their role, or gets the higher one.
 *
 * Whether they may join is for the caller to know.
 * @throws DomainError `company_not_joinable` if they are suspended there; `user_not_found`; `company_not_found`
 */
export async function join(tx: EntityManager, userId: string, companyId: string, role: Role): Promise<void> {
  const [membership] = await rowsOf<{ joined: boolean; raised: boolean }>(
    tx,
    `WITH before AS (SELECT role FROM memberships WHERE user_id = $1 AND company_id = $2)
     INSERT INTO memberships AS m (user_id, company_id, role, status) VALUES ($1, $2, $3, 'active')
     ON CONFLICT (user_id, company_id) DO UPDATE
       SET role = greatest(m.role, excluded.role), updated_at = now()
       WHERE m.status = 'active'
     RETURNING m.xmax = 0 AS joined, m.role > (SELECT role FROM before) AS raised`,
    [userId, companyId, role],
  ).catch((error: unknown) => {
    if (violates(error, 'memberships_user_id_fkey')) throw new DomainError('user_not_found');
    if (violates(error, 'memberships_company_id_fkey')) throw new DomainError('company_not_found');
    throw error;
  });
  if (!membership) throw new DomainError('company_not_joinable');
  const deed = { actorUserId: userId, companyId, subjectId: userId };
  if (membership.joined) await note(tx, { kind: 'member.joined', ...deed });
  else if (membership.raised) await note(tx, { kind: 'member.role_changed', ...deed });
}

/** Whether a user who may sign in is an active member of a company. */
export async function isActiveMember(em: EntityManager, userId: string, companyId: string): Promise<boolean> {
  const found = await rowsOf(
    em,
    `SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id AND u.status = 'active'
      WHERE m.user_id = $1 AND m.company_id = $2 AND m.status = 'active'`,
    [userId, companyId],
  );
  return found.length > 0;
}

/** Makes a company the one in which the user's next session begins. */
export async function chooseCompany(tx: EntityManager, userId: string, companyId: string): Promise<void> {
  await tx.query('UPDATE users SET company_id = $2 WHERE id = $1 AND company_id IS DISTINCT FROM $2', [
    userId,
    companyId,
  ]);
}
