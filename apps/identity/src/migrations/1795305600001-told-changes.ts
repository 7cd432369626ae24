import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whatever changes the answer to `access.check` is published through the outbox, by triggers: no statement, ours or an
 * operator's, can change one without the other, and a deletion reaches what it cascades to.
 */
export class ToldChanges1795305600001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** The search path is kept with the function: whoever changes a row may have another one. */
const publishes = (name: string, type: string, data: string): string =>
  `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
     BEGIN
       INSERT INTO outbox (type, data) VALUES ('${type}', ${data});
       RETURN NULL;
     END $$`;

const UP = [
  publishes('tell_user', 'user.changed', `jsonb_build_object('user_id', OLD.id)`),
  publishes('tell_session', 'session.revoked', `jsonb_build_object('user_id', OLD.user_id, 'session_id', OLD.id)`),
  publishes(
    'tell_member',
    'member.changed',
    `jsonb_build_object('user_id', coalesce(OLD.user_id, NEW.user_id),
                        'company_id', coalesce(OLD.company_id, NEW.company_id))`,
  ),
  // No rows are named when a table is emptied: it may be about anybody.
  publishes('tell_all_users', 'user.changed', `'{}'`),

  `CREATE TRIGGER users_changed AFTER UPDATE ON users FOR EACH ROW
     WHEN ((OLD.id, OLD.email, OLD.status) IS DISTINCT FROM (NEW.id, NEW.email, NEW.status))
     EXECUTE FUNCTION tell_user()`,
  `CREATE TRIGGER users_deleted AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION tell_user()`,
  `CREATE TRIGGER users_emptied AFTER TRUNCATE ON users EXECUTE FUNCTION tell_all_users()`,

  // A new session is nowhere kept; refreshing one, or acting in another company, changes nothing that is.
  `CREATE TRIGGER sessions_changed AFTER UPDATE ON sessions FOR EACH ROW
     WHEN ((OLD.id, OLD.user_id, OLD.expires_at, OLD.revoked_at)
           IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.expires_at, NEW.revoked_at))
     EXECUTE FUNCTION tell_session()`,
  // One that has ended was published when it was revoked, and no cache keeps it once its time is over.
  `CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions FOR EACH ROW
     WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > now())
     EXECUTE FUNCTION tell_session()`,
  `CREATE TRIGGER sessions_emptied AFTER TRUNCATE ON sessions EXECUTE FUNCTION tell_all_users()`,

  // That somebody is no member is cached, too: a new one must be published.
  `CREATE TRIGGER memberships_added AFTER INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION tell_member()`,
  `CREATE TRIGGER memberships_changed AFTER UPDATE ON memberships FOR EACH ROW
     WHEN ((OLD.user_id, OLD.company_id, OLD.role, OLD.status)
           IS DISTINCT FROM (NEW.user_id, NEW.company_id, NEW.role, NEW.status))
     EXECUTE FUNCTION tell_member()`,
  `CREATE TRIGGER memberships_deleted AFTER DELETE ON memberships FOR EACH ROW EXECUTE FUNCTION tell_member()`,
  `CREATE TRIGGER memberships_emptied AFTER TRUNCATE ON memberships EXECUTE FUNCTION tell_all_users()`,
];

const DOWN = [
  ...['added', 'changed', 'deleted', 'emptied'].map((what) => `DROP TRIGGER memberships_${what} ON memberships`),
  ...['changed', 'deleted', 'emptied'].map((what) => `DROP TRIGGER sessions_${what} ON sessions`),
  ...['changed', 'deleted', 'emptied'].map((what) => `DROP TRIGGER users_${what} ON users`),
  'DROP FUNCTION tell_all_users',
  'DROP FUNCTION tell_member',
  'DROP FUNCTION tell_session',
  'DROP FUNCTION tell_user',
];
