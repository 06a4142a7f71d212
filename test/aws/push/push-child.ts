/**
 * Tells AWS of revocations until it is killed, or nothing is left.
 *
 * usage: push-child.ts DATABASE_URL DATA_DIRECTORY REGION
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createPushing, createPushJobs } from '../../../src/composition/aws/pushes.ts'
import { createDatabase } from '../../../src/database/database.ts'
import { startIssuing } from '../../support/issuing.ts'

const [connectionString = '', dataDirectory = '', region = ''] = process.argv.slice(2)

const { core } = await startIssuing(createDatabase({ connectionString, poolSize: 8 }), dataDirectory)
const pushing = createPushing({ ...core, config: { ...core.config, awsPushPerSecond: 400 } })
const jobs = createPushJobs(pushing, { send: async () => undefined })
// As the queue does, which tries again.
for (let tries = 0; tries < 20; tries++) {
  try {
    await jobs['aws-push.run']({ accountAlias: '', region }, new AbortController().signal)
    process.exit(0)
  } catch {
    await delay(500)
  }
}
process.exit(1)
