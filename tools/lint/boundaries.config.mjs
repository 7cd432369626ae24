import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** What each project may import: apps never import apps, libraries never import apps, contracts stand alone. */
const depConstraints = [
  { sourceTag: 'app:*', onlyDependOnLibsWithTags: ['lib:*'] },
  {
    sourceTag: 'lib:contracts',
    onlyDependOnLibsWithTags: [],
    allowedExternalImports: [
      'class-validator',
      'class-transformer',
      'reflect-metadata',
      '@nestjs/swagger',
      'tr46',
      'fast-check',
    ],
  },
  { sourceTag: 'lib:messaging', onlyDependOnLibsWithTags: ['lib:testing'] },
  { sourceTag: 'lib:config', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'lib:observability', onlyDependOnLibsWithTags: ['lib:testing'] },
  { sourceTag: 'lib:database', onlyDependOnLibsWithTags: ['lib:contracts', 'lib:messaging', 'lib:testing'] },
  {
    sourceTag: 'lib:storage',
    onlyDependOnLibsWithTags: ['lib:contracts', 'lib:messaging', 'lib:config', 'lib:testing'],
  },
  { sourceTag: 'lib:auth', onlyDependOnLibsWithTags: ['lib:contracts', 'lib:testing'] },
  {
    sourceTag: 'lib:service',
    onlyDependOnLibsWithTags: [
      'lib:contracts',
      'lib:messaging',
      'lib:config',
      'lib:observability',
      'lib:database',
      'lib:testing',
    ],
  },
  {
    sourceTag: 'lib:jobs',
    onlyDependOnLibsWithTags: ['lib:contracts', 'lib:database', 'lib:observability', 'lib:service', 'lib:testing'],
  },
  { sourceTag: 'lib:testing', onlyDependOnLibsWithTags: [] },
];

/** What starts PostgreSQL, Redis and the apps: plain modules, because the launcher runs them before anything is built. And what bundles leave out. */
const embedded = '/tools/(?:embedded|bundle)/[a-z-]+\\.mjs$';

const tokenLibraries = {
  verify: ['jsonwebtoken', 'jose', 'jws', 'jwa', 'passport-jwt', 'fast-jwt'],
  sign: ['@nestjs/jwt'],
};

/**
 * @param {string[]} names
 * @param {string} message
 */
const none = (names, message) => names.map((name) => ({ name, message }));

/** Tests may: they make bad tokens. */
const oneVerifier = {
  files: ['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'],
  ignores: ['**/*.spec.ts', 'libs/auth/src/**', 'apps/token-service/src/{app.module,signing/*}.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: [
          ...none(tokenLibraries.verify, 'Tokens are verified by TokenVerifier of libs/auth, and nowhere else.'),
          ...none(tokenLibraries.sign, 'Tokens are signed by TokenSigner of the token-service, and nowhere else.'),
        ],
      },
    ],
  },
};

/** The rules that keep the projects apart, alone: part of eslint.config.mjs, and what boundaries.spec.ts tries to break. */
export default [
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parser: tseslint.parser },
    rules: { '@nx/enforce-module-boundaries': ['error', { depConstraints, allow: [embedded] }] },
  },
  oneVerifier,
];
