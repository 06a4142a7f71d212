/**
 * Goes on with the clean-ups of the fleet until it is killed, or nothing is left.
 *
 * usage: clean-child.ts DATABASE_URL DATA_DIRECTORY REGION
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createItemStore } from '../../../../src/aws/fleet/clean-ups/item-store.ts'
import { createFleetJobs } from '../../../../src/composition/aws/fleet.ts'
import { createPushing } from '../../../../src/composition/aws/pushes.ts'
import { createDatabase } from '../../../../src/database/database.ts'
import { startIssuing } from '../../../support/issuing.ts'

const [connectionString = '', dataDirectory = '', region = ''] = process.argv.slice(2)

const { core } = await startIssuing(createDatabase({ connectionString, poolSize: 8 }), dataDirectory)
const { accesses } = createPushing({ ...core, config: { ...core.config, awsPushPerSecond: 100 } })
const jobs = createFleetJobs(core, { accesses, jobs: { send: async () => undefined } })
const items = createItemStore(core.database)
const { signal } = new AbortController()
// As the sweep of each minute does. What a process that was killed has claimed is free after one.
for (let tries = 0; tries < 240; tries++) {
  await jobs['fleet.clean-up']({ accountAlias: '', region }, signal).catch(() => undefined)
  if ((await items.listPlaces()).length === 0) process.exit(0)
  await delay(500)
}
process.exit(1)
