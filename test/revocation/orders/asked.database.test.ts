import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { problemOf } from '../../http/answer.ts'
import { type HttpService, openService, someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const grounds = { reason: 'cessationOfOperation', note: 'the product is withdrawn' }
const post = (body: object) => service.as('admin').post('/v1/revocations', { ...grounds, ...body })
const countOf = async (select: object) => (await post({ select, dryRun: true })).json<{ count: number }>()
const someCsr = () => makeCertificationRequest(someSubject())

const postLot = async (id: string) =>
  expect(
    (await service.as('admin').post('/v1/lots', { id, profile: 'starter', quantity: 100 })).statusCode
  ).toBeLessThan(300)

async function carryOut(select: object, expectedCount: number) {
  const placed = await post({ select, expectedCount })
  expect(placed.statusCode, placed.body).toBe(202)
  const { id } = placed.json<{ id: string }>()
  const read = () => service.as('auditor').get(`/v1/revocations/${id}`)
  await vi.waitFor(async () => expect((await read()).json()).toMatchObject({ state: 'done' }), 30_000)
  return (await read()).json<{ done: number; skipped: number; failed: number; expectedCount: number }>()
}

const revokedIds = async () => {
  const rows = await service.database.prisma.revocationAct.findMany({ where: { act: 'revoke' } })
  return rows.map(({ intentId }) => intentId)
}

it('is of a lot alone, with what was begun in it, and passes over what is revoked already', async () => {
  await postLot('lot-1')
  await postLot('lot-2')
  const inLot = await Promise.all([1, 2, 3].map(() => service.issue(someCsr(), { lot: 'lot-1' })))
  const other = await service.issue(someCsr(), { lot: 'lot-2' })
  const begun = await service.leaveOpen(someCsr(), {}, 'lot-1')
  await service.as('admin').post(`/v1/issuances/${inLot[0]!.id}/revoke`, grounds)
  expect(await countOf({ lot: 'lot-1' })).toEqual({ count: 3, leftOut: 1 })
  expect(await carryOut({ lot: 'lot-1' }, 3)).toMatchObject({ leftOut: 1, done: 3, skipped: 0, failed: 0 })
  const revoked = await revokedIds()
  expect(revoked).toEqual(expect.arrayContaining([...inLot.map(({ id }) => id), begun]))
  expect(revoked).not.toContain(other.id)
})

it('is of a station, a line, or a generation, in a time', async () => {
  const before = new Date()
  const { id } = await service.issue()
  const station = 'starter'
  const span = { from: before.toISOString(), to: new Date(Date.now() + 60_000).toISOString() }
  expect(await countOf({ station, ...span })).toEqual({ count: 1, leftOut: 0 })
  expect(await countOf({ authority: 'starter-g1', ...span })).toEqual({ count: 1, leftOut: 0 })
  const { count } = await countOf({ authority: 'starter-g1', to: before.toISOString() })
  expect(count).toBeGreaterThan(0)
  expect(await carryOut({ station, ...span }, 1)).toMatchObject({ done: 1 })
  expect(await revokedIds()).toContain(id)
})

it.each([
  ['lot', 'no-lot', 'GET /v1/lots'],
  ['station', 'nobody', 'GET /v1/stations'],
  ['line', 'nowhere', 'GET /v1/stations'],
  ['authority', 'nowhere-g1', 'GET /v1/authorities'],
  ['authority', 'starter', 'starter-g1']
])('is of no %s that there is not: %s', async (way, name, advice) => {
  const span = { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }
  for (const more of [{ dryRun: true }, { expectedCount: 1 }]) {
    const problem = problemOf(await post({ select: { [way]: name, ...span }, ...more }))
    expect(problem).toMatchObject({
      code: 'revocation_invalid',
      violations: [{ pointer: `/select/${way}`, found: name }]
    })
    expect(problem.violations![0]!.message).toContain(advice)
  }
})

it('is of nothing where what is named has none in that time', async () => {
  await postLot('lot-empty')
  const span = { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }
  for (const select of [
    { lot: 'lot-empty' },
    { station: 'starter', ...span },
    { authority: 'starter-g1', ...span }
  ])
    expect(await countOf(select)).toEqual({ count: 0, leftOut: 0 })
})

it('is of serial numbers as openssl and browsers write them', async () => {
  const made = await Promise.all([1, 2].map(() => service.issue()))
  const [one, two] = made.map(({ serialNumber }) => serialNumber) as [string, string]
  const colons = one.toUpperCase().replace(/(..)(?=.)/g, '$1:')
  expect(await carryOut({ serialNumbers: [colons, two] }, 2)).toMatchObject({ done: 2 })
  expect(await revokedIds()).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
})

it('with keyCompromise blocks every key', async () => {
  const made = await Promise.all([1, 2, 3].map(() => service.issue()))
  const order = { select: { ids: made.map(({ id }) => id) }, reason: 'keyCompromise', note: 'weak keys' }
  const placed = await service.as('admin').post('/v1/revocations', { ...order, expectedCount: 3 })
  const { id } = placed.json<{ id: string }>()
  await vi.waitFor(
    async () =>
      expect((await service.as('auditor').get(`/v1/revocations/${id}`)).json()).toMatchObject({
        state: 'done',
        done: 3
      }),
    30_000
  )
  const rows = await service.database.prisma.intent.findMany({
    where: { id: { in: made.map(each => each.id) } }
  })
  const where = { spkiSha256: { in: rows.map(({ spkiSha256 }) => spkiSha256) } }
  expect(await service.database.prisma.blockedKey.count({ where })).toBe(3)
})

it.each([
  ['nothing', {}, 'request_invalid'],
  ['two ways', { lot: 'lot-1', authority: 'starter-g1' }, 'request_invalid'],
  ['a station without a time', { station: 'starter' }, 'request_invalid'],
  [
    'ids in a time',
    { ids: ['019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'], from: '2026-11-27T00:00:00Z' },
    'request_invalid'
  ],
  ['what is not on record', { ids: ['019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'] }, 'revocation_invalid'],
  ['a serial number of another', { serialNumbers: ['0123456789'] }, 'revocation_invalid'],
  [
    'a time that ends before it begins',
    { authority: 'starter-g1', from: '2026-11-27T00:00:00Z', to: '2026-11-26T00:00:00Z' },
    'revocation_invalid'
  ]
])('is refused for %s', async (_, select, code) => {
  const before = (await revokedIds()).length
  const answer = await post({ select, dryRun: true })
  expect([problemOf(answer).code, answer.statusCode >= 400]).toEqual([code, true])
  expect((await revokedIds()).length).toBe(before)
})

it('is refused where what is selected may be of a month that is detached, which it would pass over', async () => {
  const { id } = await service.issue()
  const from = '2020-01-15T00:00:00Z'
  const to = '2030-01-01T00:00:00Z'
  await service.owner.prisma.$executeRaw`
    INSERT INTO detached_month (month, detached_at, detached_by) VALUES ('2020-01', now(), 'cli/test')`
  const ofThatMonth = '016fa5c0-0000-7000-8000-000000000000'
  for (const select of [
    { station: 'starter', from, to },
    { authority: 'starter-g1' },
    { ids: [id, ofThatMonth] }
  ]) {
    for (const how of [{ dryRun: true }, { expectedCount: 1 }]) {
      const answer = await post({ select, ...how })
      expect(problemOf(answer)).toMatchObject({ code: 'record_detached', status: 409 })
      expect(answer.body).toContain('mintline months attach 2020-01')
    }
  }
  expect(await countOf({ station: 'starter', from: '2020-02-01T00:00:00Z', to })).toHaveProperty('count')
  expect(await countOf({ ids: [id] })).toEqual({ count: 1, leftOut: 0 })
})
