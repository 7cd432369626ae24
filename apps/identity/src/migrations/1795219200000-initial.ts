import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, sessions, companies, memberships and invitations. */
export class Initial1795219200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  // Declared from least to most, so that greatest() picks the higher of two roles.
  `CREATE TYPE company_role AS ENUM ('member', 'door', 'issuer', 'admin', 'owner')`,

  `CREATE TABLE companies (
    id          uuid        NOT NULL CONSTRAINT companies_pkey PRIMARY KEY,
    name        text        NOT NULL CONSTRAINT companies_name_check CHECK (char_length(name) BETWEEN 1 AND 120),
    join_policy text        NOT NULL
                            CONSTRAINT companies_join_policy_check CHECK (join_policy IN ('invitation', 'open')),
    time_zone   text        NOT NULL
                            CONSTRAINT companies_time_zone_check CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    locale      text        NOT NULL CONSTRAINT companies_locale_check CHECK (locale IN ('en', 'es')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
  )`,

  `CREATE TABLE users (
    id                uuid        NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    email             text        NOT NULL CONSTRAINT users_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    email_verified_at timestamptz,
    name              text        NOT NULL CONSTRAINT users_name_check CHECK (char_length(name) BETWEEN 1 AND 120),
    password_hash     text        NOT NULL
                                  CONSTRAINT users_password_hash_check CHECK (password_hash LIKE '$argon2id$%'),
    locale            text        NOT NULL CONSTRAINT users_locale_check CHECK (locale IN ('en', 'es')),
    status            text        NOT NULL CONSTRAINT users_status_check CHECK (status IN ('active', 'inactive')),
    company_id        uuid        CONSTRAINT users_company_id_fkey REFERENCES companies ON DELETE SET NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE UNIQUE INDEX users_email_key ON users (lower(email))`,

  // The key serves the question of every request: this user's membership in that company.
  `CREATE TABLE memberships (
    user_id    uuid        NOT NULL CONSTRAINT memberships_user_id_fkey REFERENCES users ON DELETE CASCADE,
    company_id uuid        NOT NULL CONSTRAINT memberships_company_id_fkey REFERENCES companies ON DELETE CASCADE,
    role       company_role NOT NULL,
    status     text        NOT NULL CONSTRAINT memberships_status_check CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memberships_pkey PRIMARY KEY (user_id, company_id)
  )`,
  `CREATE INDEX memberships_company_id_idx ON memberships (company_id, user_id)`,

  `CREATE TABLE sessions (
    id         uuid        NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    company_id uuid        CONSTRAINT sessions_company_id_fkey REFERENCES companies ON DELETE SET NULL,
    salt       bytea       NOT NULL CONSTRAINT sessions_salt_check CHECK (octet_length(salt) = 32),
    token_hash bytea       NOT NULL CONSTRAINT sessions_token_hash_check CHECK (octet_length(token_hash) = 32),
    rotated_at timestamptz,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_expires_at_check CHECK (expires_at > created_at)
  )`,
  `CREATE INDEX sessions_user_id_idx ON sessions (user_id)`,
  // When it ended or will end: least() passes over null.
  `CREATE INDEX sessions_end_idx ON sessions (least(expires_at, revoked_at))`,

  // Every refresh token that was exchanged, so that its second use betrays a stolen session.
  `CREATE TABLE spent_refresh_tokens (
    token_hash bytea NOT NULL CONSTRAINT spent_refresh_tokens_pkey PRIMARY KEY
      CONSTRAINT spent_refresh_tokens_token_hash_check CHECK (octet_length(token_hash) = 32),
    session_id uuid  NOT NULL CONSTRAINT spent_refresh_tokens_session_id_fkey REFERENCES sessions ON DELETE CASCADE
  )`,
  `CREATE INDEX spent_refresh_tokens_session_id_idx ON spent_refresh_tokens (session_id)`,

  `CREATE TABLE invitations (
    id          uuid        NOT NULL CONSTRAINT invitations_pkey PRIMARY KEY,
    company_id  uuid        NOT NULL CONSTRAINT invitations_company_id_fkey REFERENCES companies ON DELETE CASCADE,
    email       text        NOT NULL CONSTRAINT invitations_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    role        company_role NOT NULL CONSTRAINT invitations_role_check CHECK (role <> 'owner'),
    secret_hash bytea       NOT NULL CONSTRAINT invitations_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    invited_by  uuid        CONSTRAINT invitations_invited_by_fkey REFERENCES users ON DELETE SET NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid        CONSTRAINT invitations_accepted_by_fkey REFERENCES users ON DELETE SET NULL,
    revoked_at  timestamptz,
    CONSTRAINT invitations_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT invitations_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT invitations_end_check CHECK (accepted_at IS NULL OR revoked_at IS NULL)
  )`,
  `CREATE INDEX invitations_company_id_idx ON invitations (company_id, id)`,
];

const DOWN = [
  'DROP TABLE invitations',
  'DROP TABLE spent_refresh_tokens',
  'DROP TABLE sessions',
  'DROP TABLE memberships',
  'DROP TABLE users',
  'DROP TABLE companies',
  'DROP TYPE company_role',
];
