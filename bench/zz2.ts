import { startTestPostgres } from '../test/support/test-postgres.ts'
import { migrateDatabase } from '../src/database/migrations.ts'
import { silentLog } from '../test/support/silent-log.ts'
let t=performance.now(); const lap=(n: string)=>{console.log(n, performance.now()-t); t=performance.now()}
const p = await startTestPostgres(); lap('start')
await migrateDatabase({ connectionString: p.connectionString, log: silentLog }); lap('migrate')
await p.stop(); lap('stop'); await p.start(); lap('again'); await p.remove(); lap('remove')
