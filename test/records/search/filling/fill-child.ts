/**
 * Fills in what records are searched by, and is killed with the batch of that number: before its commit, or after it.
 *
 * usage: fill-child.ts DATABASE_URL before|after NUMBER
 */
import { createDatabase } from '../../../../src/database/database.ts'
import { createFillStore, type FillStore } from '../../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../../src/records/search/filling/filling.ts'

const [connectionString, when, number] = process.argv.slice(2) as [string, string, string]
const store = createFillStore(createDatabase({ connectionString, poolSize: 2 }))
let batches = 0
const die = () => process.kill(process.pid, 'SIGKILL')

const deadly: FillStore = {
  ...store,
  async alone(from, fill) {
    batches++
    const isLast = batches === Number(number)
    await store.alone(from, async transaction => {
      await fill(transaction)
      if (isLast && when === 'before') die()
    })
    if (isLast) die()
  }
}
const filling = createFilling({ store: deadly, clock: () => new Date(), batchSize: 20 })
while (await filling.step());
process.exit(0)
