/**
 * Takes up a job and never ends it.
 *
 * usage: worker-child.ts DATABASE_URL
 */
import { writeSync } from 'node:fs'
import { createJobQueue } from '../../src/jobs/queue.ts'
import { silentLog } from '../support/silent-log.ts'

await createJobQueue({
  connectionString: process.argv[2]!,
  work: {
    handlers: () => ({
      async 'aws-registration.reconcile'({ registrationId }) {
        writeSync(1, `begun ${registrationId}\n`)
        await new Promise(() => undefined)
      }
    }),
    schedules: {}
  },
  log: silentLog,
  stopTimeoutMs: 0
})
writeSync(1, 'ready\n')
