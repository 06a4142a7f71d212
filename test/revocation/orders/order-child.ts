/**
 * Carries out an order to revoke many until it kills itself, with no chance to clean up.
 *
 * usage: order-child.ts DATABASE_URL DATA_DIRECTORY ORDER MOMENT
 * MOMENT is of the second group: `before`, `within` (its acts are written and not committed) or `after`.
 */
import { createDatabase } from '../../../src/database/database.ts'
import { runOrder } from '../../../src/revocation/orders/order-run.ts'
import { createOrderStore, type OrderStore } from '../../../src/revocation/orders/order-store.ts'
import { startIssuing } from '../../support/issuing.ts'

const [connectionString, dataDirectory, orderId, moment] = process.argv.slice(2) as [
  string,
  string,
  string,
  'before' | 'within' | 'after'
]
const database = createDatabase({ connectionString, poolSize: 2 })
const { core, blockedKeys } = await startIssuing(database, dataDirectory)
let groups = 0

function die(at: typeof moment): void {
  if (groups === 2 && at === moment) process.kill(process.pid, 'SIGKILL')
}

const store: OrderStore = createOrderStore(database, database)
const fatal: OrderStore = {
  ...store,
  async revoke({ eventsOf, ...step }) {
    groups += 1
    die('before')
    const order = await store.revoke({
      ...step,
      eventsOf(revoked) {
        die('within')
        return eventsOf(revoked)
      }
    })
    die('after')
    return order
  }
}
const { clock, randomBytes } = core
const jobs = { send: async () => undefined }
await runOrder({ store: fatal, blockedKeys, jobs, clock, randomBytes }, orderId, new AbortController().signal)
process.exit(0)
