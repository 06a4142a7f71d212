/**
 * Migrates, until it is killed.
 *
 * usage: migrator-child.ts DATABASE_URL MIGRATIONS
 */
import { migrateDatabase } from '../../src/database/migrations/migrations.ts'
import { silentLog } from '../support/silent-log.ts'

const [connectionString, directory] = process.argv.slice(2) as [string, string]
await migrateDatabase({ connectionString, directory, log: silentLog })
