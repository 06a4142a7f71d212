import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import { migrateDatabase } from '../../src/database/migrations/migrations.ts'
import { listenForChanges } from '../../src/database/sessions/notifications.ts'
import { eventTypes } from '../../src/events/event-type.ts'
import { createOutboxStore } from '../../src/events/outbox-store.ts'
import { createJobQueue } from '../../src/jobs/queue.ts'
import { prepareJobSchema } from '../../src/jobs/schema.ts'
import { newId } from '../../src/sources/identifier.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { administrator, startIssuing } from '../support/issuing.ts'
import { otherDefaults, setDefaults, timesOnRecord } from '../support/postgres/other-defaults.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory

beforeAll(async () => {
  data = await createTemporaryDirectory()
})
afterAll(() => data.remove())

const randomBytes = createRandomSource()
const sweep = 'aws-registration.sweep'

const groups = 7

/** Several at once, as a database for each takes long. Alternatives of one setting stand side by side, so never meet. */
const settingsTogether = Array.from({ length: groups }, (_, group) =>
  otherDefaults.flat().filter((_setting, index) => index % groups === group)
)

/** Through connections that are made after the defaults were set. */
describe('a database with other defaults', () => {
  it.each(settingsTogether.map(settings => [settings.join(', '), settings] as const))(
    '%s: is migrated, issues, replays, finds, revokes, tells and works',
    async (_names, settings) => {
      await using test = await createTestDatabase({ empty: true })
      const { connectionString } = test
      await setDefaults(connectionString, settings)
      const began = Date.now()
      const expectRecent = (time: Date | undefined) => {
        expect(time!.getTime()).toBeGreaterThanOrEqual(began)
        expect(time!.getTime()).toBeLessThanOrEqual(Date.now())
      }
      await migrateDatabase({ connectionString, log: silentLog })
      await prepareJobSchema({ connectionString })
      const database = createDatabase({ connectionString, poolSize: 2 })
      const search = createDatabase({ connectionString, poolSize: 1, purpose: 'search' })
      const heard: (string | undefined)[] = []
      const notifications = listenForChanges({
        connectionString,
        onChange: table => heard.push(table),
        onConnectionLost: () => heard.push('lost')
      })
      try {
        const directory = join(data.path, new URL(connectionString).pathname)
        await mkdir(directory)
        const outbox = createOutboxStore(database)
        await outbox.subscribe({ enabled: true, eventTypes }, newId(new Date(), randomBytes), new Date())
        const issuing = await startIssuing(database, directory)
        const csr = makeCertificationRequest({ Country: 'US', CommonName: 'other' })
        const { record, replayed } = await issuing.issue(csr)
        expect(replayed).toBe(false)
        expectRecent(record.createdAt)
        expectRecent(record.issuedAt)
        expect(await issuing.issue(csr)).toEqual({ record, replayed: true })
        await expect(issuing.issue(Buffer.from('no CSR'))).rejects.toMatchObject({ code: 'csr_malformed' })
        const { items } = await issuing.records.list({ limit: 10 })
        expect(items[1]).toEqual(record)
        expectRecent(items[0]?.createdAt)
        expect(await timesOnRecord(connectionString, record.id)).toEqual([
          record.createdAt.toISOString(),
          record.issuedAt.toISOString()
        ])
        expect(await search.prisma.intent.findFirst()).toMatchObject({
          id: record.id,
          createdAt: record.createdAt
        })

        const { token } = await issuing.tokens.create({ role: 'station', name: 'gone' }, administrator)
        await issuing.tokens.revoke(token.id, administrator)
        expectRecent(
          (await issuing.tokens.list({ limit: 100 })).items.find(({ id }) => id === token.id)?.revokedAt
        )

        const owed = await outbox.takeBatch(newId(new Date(), randomBytes), 10)
        const told = new Map(owed.map(({ recordId, fact }) => [recordId, fact]))
        expect(told.get(record.id)).toMatchObject({
          createdAt: record.createdAt,
          issuedAt: record.issuedAt
        })
        expectRecent((await outbox.backlog()).oldestOwedAt)

        const jobs = await createJobQueue({
          connectionString,
          work: {
            handlers: () => ({ [sweep]: async () => undefined }),
            schedules: { [sweep]: '* * * * *' }
          },
          log: silentLog,
          stopTimeoutMs: 2_000
        })
        await jobs.send(sweep, {})
        await vi.waitFor(
          async () => expect((await jobs.list({ limit: 1 })).items[0]?.state).toBe('done'),
          10_000
        )
        const [job] = (await jobs.list({ limit: 1 })).items
        expectRecent(job?.createdAt)
        await jobs.close()

        // Longer than any of these lets a connection rest.
        await delay(settings.some(setting => setting.startsWith('idle_session')) ? 400 : 0)
        expect(await issuing.issue(csr)).toEqual({ record, replayed: true })
        expect(heard).toContain('outgoing_event')
        expect(heard).not.toContain('lost')
      } finally {
        await notifications.close()
        await search.close()
        await database.close()
      }
    }
  )
})
