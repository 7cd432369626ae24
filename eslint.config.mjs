import tseslint from 'typescript-eslint';
import boundaries from './tools/lint/boundaries.config.mjs';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.nx/', '.puerta/', '**/fixtures/'] },
  ...tseslint.configs.recommended,
  ...boundaries,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
    },
  },
);
