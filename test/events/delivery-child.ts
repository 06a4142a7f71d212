/**
 * Sends what is owed, until it is killed.
 *
 * usage: delivery-child.ts DATABASE_URL WEBHOOK_URL SECRET
 */
import { createDatabase } from '../../src/database/database.ts'
import { createDelivery } from '../../src/events/delivery.ts'
import { createOutboxStore } from '../../src/events/outbox-store.ts'
import { createReceiver } from '../../src/events/receiver/receiver.ts'
import { parseWebhookSecret } from '../../src/events/receiver/signature.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'

const [connectionString, url, secret] = process.argv.slice(2) as [string, string, string]
const clock = () => new Date()
const deliver = createDelivery({
  outbox: createOutboxStore(createDatabase({ connectionString, poolSize: 2 })),
  receiver: createReceiver({
    url,
    allowsPrivate: true,
    key: parseWebhookSecret(secret)!,
    timeoutMs: 5_000,
    version: '0',
    readTime: async () => clock()
  }),
  clock,
  randomBytes: createRandomSource()
})
await deliver(new AbortController().signal)
process.exit(0)
