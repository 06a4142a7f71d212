import { afterAll, beforeAll, expect, it } from 'vitest'
import { actorOf, buildAuditEvent } from '../../src/audit/audit-event.ts'
import { insertAuditEvent } from '../../src/audit/audit-store.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const sources = { time: new Date('2026-11-23T10:00:00.123Z'), randomBytes: createRandomSource() }
const told = { reason: 'planned', requestId: 'request-7', credential: 'oidc:eve' }
const what = { actor: 'admin/eve', act: 'lot.pause', subject: 'lot/7' } as const

it('is kept with all its members', async () => {
  const event = buildAuditEvent({ ...what, ...told, before: { n: 1 }, after: { n: 2 } }, sources)
  await insertAuditEvent(test.database.prisma, event)
  const where = { id: event.id }
  expect(await test.database.prisma.auditEvent.findUniqueOrThrow({ where })).toEqual(event)
  expect(event.createdAt).toEqual(sources.time)
})

it('has nulls for what there is not', async () => {
  const event = buildAuditEvent(what, sources)
  await insertAuditEvent(test.database.prisma, event)
  const where = { id: event.id }
  expect(await test.database.prisma.auditEvent.findUniqueOrThrow({ where })).toEqual({
    ...event,
    before: null,
    after: null,
    reason: null,
    requestId: null,
    credential: null
  })
})

it('is undone with its act', async () => {
  const event = buildAuditEvent({ ...what, subject: 'lot/8' }, sources)
  await expect(
    test.database.prisma.$transaction(async transaction => {
      await insertAuditEvent(transaction, event)
      await insertAuditEvent(transaction, event)
    })
  ).rejects.toThrow()
  expect(await test.database.prisma.auditEvent.count({ where: { subject: 'lot/8' } })).toBe(0)
})

it('names a principal by role and name', () => {
  expect(actorOf({ role: 'admin', name: 'eve' })).toBe('admin/eve')
})
