import { defineConfig } from 'vitest/config'

/** What measures time by the clock runs last, and alone. */
const timed = ['test/e2e/first-use.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres/global-setup.ts'],
    pool: 'forks',
    // Much of the time of a test is waiting for processes.
    maxWorkers: 3,
    maxConcurrency: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: timed,
          sequence: { groupOrder: 0 }
        }
      },
      { extends: true, test: { name: 'alone', include: timed, sequence: { groupOrder: 1 } } }
    ]
  }
})
