import { defineConfig } from 'vitest/config'

/** The tests that stand for the mutated code: its own, and the exchange from its endpoint down. */
export default defineConfig({
  test: {
    include: [
      'protocol/src/**/*.test.ts',
      'server-sdk/src/verifier.test.ts',
      'service/src/{broker,grants,policy,revocation,tokens,vault}/**/*.test.ts',
      'test/flow/exchange*.test.ts',
    ],
    setupFiles: ['test/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
