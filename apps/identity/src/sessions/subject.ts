import type { Role } from '@puerta/contracts';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../sql';

/** Whom the tokens of a session speak for, and where: what is true now. */
export interface Subject {
  readonly sessionId: string;
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  /** Null before a company is chosen, and once the user is no active member of it any more. */
  readonly companyId: string | null;
  readonly role: Role | null;
}

/**
 * @param companyId the company to speak in; default: the session's
 * @returns undefined if the session has ended or its user is not active
 */
export async function findSubject(
  em: EntityManager,
  sessionId: string,
  companyId?: string,
): Promise<Subject | undefined> {
  const [subject] = await rowsOf<Subject>(
    em,
    `SELECT s.id AS "sessionId", u.id AS "userId", u.email, u.name, m.company_id AS "companyId", m.role
       FROM sessions s
       JOIN users u ON u.id = s.user_id AND u.status = 'active'
       LEFT JOIN memberships m
         ON m.user_id = u.id AND m.company_id = coalesce($2, s.company_id) AND m.status = 'active'
      WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now()`,
    [sessionId, companyId ?? null],
  );
  return subject;
}
