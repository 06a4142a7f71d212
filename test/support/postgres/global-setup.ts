import type { TestProject } from 'vitest/node'
import { migrateDatabase } from '../../../src/database/migrations/migrations.ts'
import { silentLog } from '../silent-log.ts'
import { startTestPostgres } from './test-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated, empty database that nobody may connect to while it is being cloned. */
    templateDatabase: string
  }
}

/** One PostgreSQL for the whole run, with one migrated database to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startTestPostgres()
  await migrateDatabase({ connectionString: postgres.connectionString, log: silentLog })
  project.provide('templateDatabase', postgres.connectionString)
  return () => postgres.remove()
}
