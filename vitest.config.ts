import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Much of the time of a test is waiting for processes.
    maxWorkers: 3,
    maxConcurrency: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
