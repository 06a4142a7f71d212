import type { TestProject } from 'vitest/node'
import { migrateDatabase } from '../../../src/database/migrations/migrations.ts'
import { silentLog } from '../silent-log.ts'
import { startTestPostgres, type TestPostgres } from './test-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated, empty database that nobody may connect to while it is being cloned. */
    templateDatabase: string
  }
}

/** Each project loads this file anew: what they share is kept with the process. */
const shared = globalThis as { mintlineTestServer?: Promise<TestPostgres> | undefined }

/** One PostgreSQL for all projects of the run that need one, with one migrated database to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  shared.mintlineTestServer ??= startWithTemplate()
  const { connectionString } = await shared.mintlineTestServer
  project.provide('templateDatabase', connectionString)
  return async () => {
    const server = shared.mintlineTestServer
    shared.mintlineTestServer = undefined
    await (await server)?.remove()
  }
}

async function startWithTemplate(): Promise<TestPostgres> {
  const postgres = await startTestPostgres()
  await migrateDatabase({ connectionString: postgres.connectionString, log: silentLog })
  return postgres
}
