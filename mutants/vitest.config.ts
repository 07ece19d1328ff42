import { defineConfig } from 'vitest/config'

/** The tests that stand for the module under mutation: `bin/mutants.js` names them. */
export default defineConfig({
  test: {
    include: JSON.parse(process.env['MUTANTS_TESTS'] ?? '[]'),
    setupFiles: ['test/setup.ts', 'mutants/setup.ts'],
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
