import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { secret } from '../../../events/test-receiver.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'

let directory: TemporaryDirectory
let service: HttpService

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  await writeFile(join(directory.path, 'secret'), `${secret}\n`, { mode: 0o600 })
  service = await openService({
    // Nobody listens.
    MINTLINE_WEBHOOK_URL: 'http://127.0.0.1:1/',
    MINTLINE_WEBHOOK_SECRET_FILE: join(directory.path, 'secret')
  })
})
afterAll(async () => {
  await service.stop()
  await directory.remove()
})

it('an event of a clock that was far ahead is warned of while it waits', async () => {
  const eventCheck = async () => {
    const answer = await service.send({ url: '/readyz' })
    return [answer.statusCode, answer.json<{ checks: { events: object } }>().checks.events]
  }
  await service.issue()
  expect(await eventCheck()).toMatchObject([200, { ok: true }])
  await service.owner.prisma.$executeRaw`UPDATE outgoing_event SET owed_at = now() + interval '30 days'`
  expect(await eventCheck()).toMatchObject([200, { ok: false }])
})

it('who has all that waits sent again is in the audit', async () => {
  const answer = await service.as('admin').post('/v1/events/deliver')
  expect(answer.statusCode).toBe(202)
  expect(await service.audited('webhook.deliver', answer.headers['x-request-id'])).toMatchObject([
    { actor: 'admin/starter-admin', subject: 'webhook' }
  ])
})

it('who has one event sent again is in the audit, and who asks for one that is not set aside is not', async () => {
  const recordId = crypto.randomUUID()
  const url = `/v1/events/${recordId}/deliver`
  const before = await service.as('admin').post(url)
  expect(problemOf(before)).toMatchObject({ status: 404, code: 'event_not_found' })
  expect(await service.audited('event.deliver', before.headers['x-request-id'])).toEqual([])
  const dueAt = new Date(Date.now() + 600_000)
  await service.database.prisma.outgoingEvent.create({
    data: { type: 'mintline.issuance.issued', recordId, refusals: 1, dueAt, setAsideAt: new Date() }
  })
  const answer = await service.as('admin').post(url)
  expect(answer.statusCode).toBe(202)
  expect(await service.audited('event.deliver', answer.headers['x-request-id'])).toMatchObject([
    { actor: 'admin/starter-admin', subject: `event/${recordId}` }
  ])
})
