import { startEmbeddedPostgres } from '../src/database/embedded-postgres.ts'
import { migrateDatabase } from '../src/database/migrations.ts'
import { createDatabase } from '../src/database/database.ts'
import { mkdtemp } from 'node:fs/promises'
const log = { info: (...a: any[]) => console.log('info', ...a), warn: (...a: any[]) => console.log('warn', ...a), error: (...a: any[]) => console.log('error', ...a) }
const dir = process.argv[2] ?? await mkdtemp('/tmp/dbm/data-')
for (let i = 0; i < 3; i++) {
  let t = performance.now()
  const p = await startEmbeddedPostgres({ dataDirectory: dir, log })
  console.log('start', performance.now() - t, p.connectionString.replace(/:[^:@]*@/, ':*@')); t = performance.now()
  await migrateDatabase({ connectionString: p.connectionString, log }); console.log('migrate', performance.now() - t); t = performance.now()
  const d = createDatabase({ connectionString: p.connectionString, poolSize: 4 }); await d.ping(); await d.close(); console.log('ping', performance.now() - t); t = performance.now()
  await p.stop(); console.log('stop', performance.now() - t)
}
console.log(dir)
