/** A Mintline to be killed: starts the embedded PostgreSQL on the given directory and says so. */
import { startEmbeddedPostgres } from '../../../src/database/embedded/embedded-postgres.ts'
import { silentLog } from '../silent-log.ts'
import { fastSettings } from './test-postgres.ts'

const [dataDirectory = ''] = process.argv.slice(2)
const { connectionString } = await startEmbeddedPostgres({
  dataDirectory,
  log: silentLog,
  settings: fastSettings
})
process.stdout.write(`${connectionString}\n`)
