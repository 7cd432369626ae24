import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** What each project may import: apps never import apps, libraries never import apps, contracts stand alone. */
export const boundaries = [
  { sourceTag: 'app:*', onlyDependOnLibsWithTags: ['lib:*'] },
  { sourceTag: 'lib:contracts', onlyDependOnLibsWithTags: [], allowedExternalImports: ['class-validator', 'class-transformer', '@nestjs/swagger'] },
  { sourceTag: 'lib:messaging', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'lib:config', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'lib:observability', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'lib:database', onlyDependOnLibsWithTags: ['lib:messaging', 'lib:contracts'] },
  { sourceTag: 'lib:auth', onlyDependOnLibsWithTags: ['lib:contracts'] },
  { sourceTag: 'lib:service', onlyDependOnLibsWithTags: ['lib:contracts', 'lib:messaging', 'lib:config', 'lib:observability', 'lib:database'] },
  { sourceTag: 'lib:testing', onlyDependOnLibsWithTags: ['lib:contracts', 'lib:messaging'] },
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.nx/', '.puerta/', '**/fixtures/'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.mjs'] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, allow: ['/tools/embedded/[a-z]+\\.mjs$'], depConstraints: boundaries }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
    },
  },
);
