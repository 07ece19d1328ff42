import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['*/src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What comes by itself comes soon; on a machine that others use, not at once.
    expect: { poll: { timeout: 10_000 } },
  },
})
