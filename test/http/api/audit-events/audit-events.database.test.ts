import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditQuery } from '../../../../src/audit/audit-log.ts'
import { createAuditLog } from '../../../../src/audit/audit-log-store.ts'
import type { Database } from '../../../../src/database/database.ts'
import type { Prisma } from '../../../../src/database/generated/client.ts'
import type { AuditEventView } from '../../../../src/http/api/audit-events/schemas.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../../src/sources/random-bytes.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

interface AuditPage {
  readonly items: readonly AuditEventView[]
  readonly nextCursor?: string
}

async function list(query: Readonly<Record<string, string>>): Promise<AuditPage> {
  const answer = await service.as('auditor').get(`/v1/audit-events?${new URLSearchParams(query).toString()}`)
  expect(answer.statusCode).toBe(200)
  const page = answer.json<AuditPage>()
  expect(await faultsOf('AuditEventPage', page)).toEqual([])
  return page
}

const actsOf = async (query: Readonly<Record<string, string>>) =>
  (await list(query)).items.map(({ act, subject }) => [act, subject])

describe('an administrative act', () => {
  it('is found by what was done, upon what, by whom, with what and in which request', async () => {
    const id = 'lot-audit'
    await service.as('admin').post('/v1/lots', { id, profile: 'starter', quantity: 5 })
    const reason = 'solder paste is out'
    const paused = await service.as('operator').post(`/v1/lots/${id}/pause`, { reason })
    const { items } = await list({ act: 'lot.pause' })
    expect(items).toHaveLength(1)
    const [event] = items
    expect(event).toMatchObject({
      act: 'lot.pause',
      subject: `lot/${id}`,
      reason,
      before: { state: 'open' },
      after: { state: 'paused' },
      requestId: paused.headers['x-request-id']
    })
    expect(event!.actor).toMatch(/^operator\//)
    const single = await service.as('auditor').get(`/v1/audit-events/${event!.id}`)
    expect(single.json()).toEqual(event)

    const both = [
      ['lot.pause', `lot/${id}`],
      ['lot.create', `lot/${id}`]
    ]
    expect(await actsOf({ subject: `lot/${id}` })).toEqual(both)
    expect(await actsOf({ act: 'lot.*' })).toEqual(both)
    expect(await actsOf({ subject: 'lot/*', actor: 'operator/*' })).toEqual([both[0]])
    expect(await actsOf({ subject: 'lot/*', credential: event!.credential! })).toEqual([both[0]])
    expect(await actsOf({ requestId: event!.requestId! })).toEqual([both[0]])
    expect(await actsOf({ subject: 'lot/*', from: event!.at })).toEqual([both[0]])
    expect(await actsOf({ subject: 'lot/*', to: event!.at })).toEqual([both[1]])
    expect(await actsOf({ act: 'lot.pause', actor: 'admin/*' })).toEqual([])
  })

  it('of scrapping tells the states before and after, also of what is on hold', async () => {
    const admin = service.as('admin')
    const [good, held] = [await service.issue(), await service.issue()]
    await admin.post(`/v1/issuances/${held.id}/hold`, { note: 'to be looked at' })
    for (const [{ id }, state] of [
      [good, 'issued'],
      [held, 'held']
    ] as const) {
      const answer = await admin.post(`/v1/issuances/${id}/scrap`, { reason: 'burnt' })
      const after = { state: answer.json<{ state: string }>().state, scrapped: true }
      expect(after.state).toBe('revoked')
      const { items } = await list({ act: 'issuance.scrap', subject: `issuance/${id}` })
      expect(items).toMatchObject([{ reason: 'burnt', before: { state, scrapped: false } }])
      expect(items[0]!.after).toEqual(after)
    }
  })

  it('that is not there is told so', async () => {
    const answer = await service.as('auditor').get('/v1/audit-events/019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11')
    expect([answer.statusCode, problemOf(answer).code]).toEqual([404, 'audit_event_not_found'])
  })
})

describe('what is searched for', () => {
  it.each(['l*', '*', '*.pause', 'lot.*x', ''])(
    'is refused where it is no value and no beginning: %j',
    async act => {
      const answer = await service
        .as('auditor')
        .get(`/v1/audit-events?${new URLSearchParams({ act }).toString()}`)
      expect(answer.statusCode).toBe(400)
      expect(problemOf(answer)).toMatchObject({ violations: [{ pointer: '/query/act' }] })
    }
  )

  it.each(['lo%', 'lot_lot-audit', "lot/lot-audit' OR true --", 'lot\\/*', 'LOT/LOT-AUDIT'])(
    'is taken as it stands: %j',
    async subject => {
      expect(await actsOf({ subject })).toEqual([])
    }
  )

  it.each(['lot.paused', 'lo%', 'lot_pause', "lot.pause' OR true --", 'LOT.PAUSE'])(
    'is refused where it is an act that there is not, with those that there are: %j',
    async act => {
      const query = new URLSearchParams({ act }).toString()
      const listed = await service.as('auditor').get(`/v1/audit-events?${query}`)
      const exported = await service
        .as('auditor')
        .post('/v1/exports', { of: 'audit-events', format: 'csv', filter: { act } })
      for (const [answer, pointer] of [
        [listed, '/query/act'],
        [exported, '/filter/act']
      ] as const) {
        expect([answer.statusCode, problemOf(answer)]).toEqual([
          400,
          expect.objectContaining({
            code: 'request_invalid',
            violations: [
              expect.objectContaining({
                pointer,
                found: act,
                expected: expect.stringContaining('lot.pause, lot.resume') as string
              })
            ]
          })
        ])
      }
    }
  )

  it('is refused where no act begins so', async () => {
    const answer = await service.as('auditor').get('/v1/audit-events?act=lot.x*')
    expect([answer.statusCode, pointersOf(answer)]).toEqual([400, ['/query/act']])
  })
})

describe('who is not let in', () => {
  it('is on record once the service has stopped, with no secret of it', async () => {
    const own = await openService()
    const secret = `mintline_${'0'.repeat(32)}_${'S'.repeat(43)}`
    for (let i = 0; i < 3; i++)
      await own.send({ url: '/v1/lots', headers: { authorization: `Bearer ${secret}` } })
    await own.as('auditor').post('/v1/profiles', {})
    await own.end()
    const events = await own.database.prisma.auditEvent.findMany({
      where: { subject: { startsWith: 'source/' } }
    })
    expect(events).toMatchObject([
      {
        act: 'sign-in.refuse',
        actor: 'unknown',
        after: { count: 3, codes: { token_invalid: 3 }, routes: ['GET /v1/lots'] }
      },
      {
        act: 'access.refuse',
        after: { count: 1, codes: { role_forbidden: 1 }, routes: ['POST /v1/profiles'] }
      }
    ])
    expect(JSON.stringify(events)).not.toContain('SSSS')
    await own.stop()
  })
})

describe('acts that tell much', () => {
  it('come in pages of what an answer may hold, each whole and once', async () => {
    const document = 'x'.repeat(60_000)
    const time = Date.now()
    const randomBytes = createRandomSource()
    const data = Array.from({ length: 60 }, (_, index) => {
      const createdAt = new Date(time + index)
      const common = { createdAt, actor: 'admin/big', act: 'profile.post', subject: `profile/big/${index}` }
      return { ...common, id: newId(createdAt, randomBytes), after: { document, index } }
    })
    await service.database.prisma.auditEvent.createMany({ data })
    const sizes: number[] = []
    const seen: unknown[] = []
    let cursor: string | undefined
    do {
      const { items, nextCursor } = await list({
        actor: 'admin/big',
        limit: '200',
        ...(cursor !== undefined && { cursor })
      })
      sizes.push(items.length)
      seen.push(...items.map(({ after }) => after))
      cursor = nextCursor
    } while (cursor !== undefined)
    expect(sizes).toEqual([17, 17, 17, 9])
    expect(seen).toEqual(data.toReversed().map(({ after }) => after))
  })
})

describe('very many acts', () => {
  const rows = 40_000
  beforeAll(async () => {
    const randomBytes = createRandomSource()
    const base = Date.parse('2026-01-01T00:00:00Z')
    const data = Array.from({ length: rows }, (_, index) => {
      const createdAt = new Date(base + index * 1000)
      const isEven = index % 2 === 0
      return {
        id: newId(createdAt, randomBytes),
        createdAt,
        // Halves that never meet.
        actor: isEven ? 'admin/seed' : 'operator/seed',
        act: isEven ? 'profile.post' : 'lot.change',
        subject: `lot/seed-${index}`,
        requestId: `seed-${index}`
      }
    })
    for (let at = 0; at < rows; at += 4_000)
      await service.database.prisma.auditEvent.createMany({ data: data.slice(at, at + 4_000) })
    await service.owner.prisma.$executeRaw`ANALYZE audit_event`
  })

  it('are read page by page, each once, whatever is added meanwhile', async () => {
    const seen = new Set<string>()
    let cursor: string | undefined
    for (let page = 0; page < 5; page++) {
      const read = await list({ actor: 'admin/seed', limit: '200', ...(cursor !== undefined && { cursor }) })
      for (const { id } of read.items) seen.add(id)
      cursor = read.nextCursor
      await service.as('admin').post('/v1/stations', { name: `seed-${page}`, profiles: ['*'] })
    }
    expect(seen.size).toBe(1_000)
  })

  it.each<[string, Partial<AuditQuery>]>([
    ['an actor', { actor: 'admin/seed' }],
    ['actors by their beginning', { actor: 'display/*' }],
    ['an act', { act: 'lot.change' }],
    ['acts by their beginning', { act: 'token.*' }],
    ['a subject', { subject: 'lot/seed-77' }],
    ['subjects by their beginning', { subject: 'lot/seed-777*' }],
    ['an actor and an act that never meet', { actor: 'admin/seed', act: 'lot.change' }],
    ['a credential', { credential: 'oidc:nobody' }],
    ['a request', { requestId: 'seed-77' }],
    ['a time', { from: new Date('2026-01-01T01:00:00Z'), to: new Date('2026-01-01T02:00:00Z') }]
  ])('are searched by %s along an index', async (_, query) => {
    expect(await planOf({ limit: 50, ...query })).not.toContain('Seq Scan')
  })

  /** Of the statement that a list runs. */
  async function planOf(query: AuditQuery): Promise<string> {
    const plans: string[] = []
    const { prisma } = service.database
    const explaining = {
      async $queryRaw(statement: Prisma.Sql) {
        const plan = await prisma.$queryRaw<{ 'QUERY PLAN': string }[]>`EXPLAIN ${statement}`
        plans.push(plan.map(line => line['QUERY PLAN']).join('\n'))
        return []
      }
    }
    await createAuditLog({ prisma: explaining } as unknown as Database).list(query)
    expect(plans).toHaveLength(1)
    return plans[0]!
  }
})
