import { afterAll, beforeAll, expect, it } from 'vitest'
import type { FindingKind } from '../../../../src/aws/fleet/finding.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
let authorityId: string
let placeId: string
beforeAll(async () => {
  service = await openService()
  const { prisma } = service.database
  authorityId = (await prisma.authority.findFirstOrThrow({ where: { name: 'starter-g1' } })).id
  const registration = await prisma.awsRegistration.create({
    data: {
      id: crypto.randomUUID(),
      authorityId,
      accountAlias: '',
      region: 'eu-central-1',
      createdAt: new Date(),
      createdBy: 'admin/test'
    }
  })
  placeId = registration.id
  for (const registeredAt of ['2026-01-01', '2026-02-01', '2026-03-01'])
    await put('seen-never-issued', { registeredAt: `${registeredAt}T00:00:00.000Z` })
  await put('key-used-elsewhere', {})
  await put('other-thing', {})
})
afterAll(() => service.stop())

let made = 0
async function put(kind: FindingKind, details: Record<string, string>) {
  const now = new Date()
  await service.database.prisma.fleetFinding.create({
    data: {
      kind,
      authorityId,
      ...(kind === 'key-used-elsewhere' ? { placeId: authorityId } : { placeId, registrationId: placeId }),
      key: Buffer.alloc(32, ++made),
      details,
      isAlarm: kind !== 'other-thing',
      foundAt: now,
      confirmedAt: now,
      confirmedBy: crypto.randomUUID()
    }
  })
}

const send = (body: object) =>
  service.as('operator').post('/v1/fleet/findings/acknowledge', {
    authority: 'starter-g1',
    note: 'devices of the plant before',
    ...body
  })
const countOf = async (body: object) => {
  const answer = (await send({ ...body, dryRun: true })).json<{ count: number }>()
  expect(await faultsOf('FleetAcknowledged', answer)).toEqual([])
  return answer.count
}
const open = () =>
  service.database.prisma.fleetFinding.count({ where: { isAlarm: true, acknowledgedAt: null } })

it('counts the open alarms that are selected, and changes nothing', async () => {
  expect(await countOf({})).toBe(4)
  expect(await countOf({ region: 'eu-central-1' })).toBe(3)
  expect(await countOf({ region: 'us-east-1' })).toBe(0)
  expect(await countOf({ kind: 'key-used-elsewhere' })).toBe(1)
  expect(await countOf({ registeredBefore: '2026-02-01T00:00:00Z' })).toBe(1)
  expect((await send({ dryRun: true })).json()).toMatchObject({
    hasMore: false,
    first: [{ kind: 'seen-never-issued', region: 'eu-central-1' }, {}, {}, { kind: 'key-used-elsewhere' }]
  })
  expect(await open()).toBe(4)
})

it('acknowledges none where it is another number, or none is said', async () => {
  const changed = problemOf(await send({ expectedCount: 3 }))
  expect(changed).toMatchObject({ code: 'fleet_finding_count_changed', count: 4 })
  expect(problemOf(await send({})).code).toBe('request_invalid')
  expect(problemOf(await send({ kind: 'other-thing', dryRun: true })).code).toBe('request_invalid')
  expect(await open()).toBe(4)
})

it.each([
  ['another-g1', 'GET /v1/authorities'],
  ['starter', 'starter-g1']
])('refuses %s, which is no generation, and says what there is', async (authority, advice) => {
  for (const how of [{ dryRun: true }, { expectedCount: 4 }]) {
    const refused = problemOf(await send({ ...how, authority }))
    expect([refused.status, refused.code]).toEqual([404, 'authority_not_found'])
    expect(refused.detail).toContain(advice)
  }
  expect(await open()).toBe(4)
})

it('acknowledges those that were counted, with one entry in the audit', async () => {
  const selected = { kind: 'seen-never-issued', registeredBefore: '2026-02-15T00:00:00Z' }
  const answer = await send({ ...selected, expectedCount: 2 })
  expect(answer.json()).toEqual({ count: 2 })
  const { prisma } = service.database
  const acknowledged = await prisma.fleetFinding.findMany({ where: { NOT: { acknowledgedAt: null } } })
  expect(
    acknowledged.map(({ details }) => (details as { registeredAt: string }).registeredAt.slice(0, 7))
  ).toEqual(['2026-01', '2026-02'])
  expect(acknowledged[0]).toMatchObject({ acknowledgeNote: 'devices of the plant before' })
  const events = await prisma.auditEvent.findMany({ where: { act: 'fleet.acknowledge' } })
  expect(events).toMatchObject([
    {
      subject: 'authority/starter-g1',
      reason: 'devices of the plant before',
      after: { kind: 'seen-never-issued', registeredBefore: '2026-02-15T00:00:00.000Z', count: 2 }
    }
  ])
  // The same again finds none of them.
  expect(problemOf(await send({ ...selected, expectedCount: 2 }))).toMatchObject({ count: 0 })
  expect(await open()).toBe(2)
})
