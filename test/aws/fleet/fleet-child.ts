/**
 * Goes on with a look at the fleet until it is killed, or nothing is left.
 *
 * usage: fleet-child.ts DATABASE_URL DATA_DIRECTORY REGION
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createFleetJobs } from '../../../src/composition/aws/fleet.ts'
import { createPushing } from '../../../src/composition/aws/pushes.ts'
import { createDatabase } from '../../../src/database/database.ts'
import { startIssuing } from '../../support/issuing.ts'

const [connectionString = '', dataDirectory = '', region = ''] = process.argv.slice(2)

const { core } = await startIssuing(createDatabase({ connectionString, poolSize: 8 }), dataDirectory)
const { accesses } = createPushing({ ...core, config: { ...core.config, awsPushPerSecond: 200 } })
const jobs = createFleetJobs(core, { accesses, jobs: { send: async () => undefined } })
const { signal } = new AbortController()
// As the queue does, which tries again.
for (let tries = 0; tries < 20; tries++) {
  try {
    await jobs['fleet.run']({ accountAlias: '', region }, signal)
    await jobs['fleet.judge']({}, signal)
    process.exit(0)
  } catch {
    await delay(500)
  }
}
process.exit(1)
