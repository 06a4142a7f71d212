import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { standInEnvironment, startControlPlane } from '../../../aws/registering.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let service: HttpService
beforeAll(async () => {
  cloud = await startControlPlane()
  Object.assign(process.env, standInEnvironment(cloud.plane.url))
  service = await openService()
})
afterAll(async () => {
  await service.stop()
  await cloud.plane.stop()
})

/** A finding of a look, of a device that is no more. AWS has no such thing by now. */
async function plantOrphan() {
  const { prisma } = service.database
  const { id: issuance } = await service.issue()
  const revoked = await service
    .as('admin')
    .post(`/v1/issuances/${issuance}/revoke`, { reason: 'cessationOfOperation', note: 'scrapped' })
  expect(revoked.statusCode, revoked.body).toBe(200)
  const { id: authorityId } = await prisma.authority.findFirstOrThrow({ where: { name: 'starter-g1' } })
  const registrationId = randomUUID()
  const now = new Date()
  const place = { authorityId, region: 'eu-central-1', accountAlias: '' }
  await prisma.awsRegistration.create({
    data: { ...place, id: registrationId, createdAt: now, createdBy: 'test' }
  })
  await prisma.fleetFinding.create({
    data: {
      kind: 'orphaned-thing',
      authorityId,
      registrationId,
      placeId: registrationId,
      key: Buffer.alloc(32, 9),
      intentId: issuance,
      details: { thing: 'left-behind' },
      isAlarm: false,
      foundAt: now,
      confirmedAt: now,
      confirmedBy: registrationId
    }
  })
  return issuance
}

const order = { of: 'orphaned-things', note: 'scrapped in May' }
const post = (body: object) => service.as('admin').post('/v1/fleet/clean-ups', body)

it('is counted first, ordered with that number, and done in the background', async () => {
  const issuanceId = await plantOrphan()
  const counted = await post({ ...order, dryRun: true })
  expect(counted.json()).toEqual({
    count: 1,
    mayBeLeft: 0,
    hasMore: false,
    first: [{ authority: 'starter-g1', region: 'eu-central-1', thing: 'left-behind', issuanceId }]
  })
  const changed = await post({ ...order, expectedCount: 7 })
  expect([changed.statusCode, problemOf(changed)]).toMatchObject([
    409,
    { code: 'fleet_clean_up_count_changed', count: 1 }
  ])
  const placed = await post({ ...order, region: 'eu-central-1', expectedCount: 1 })
  expect(placed.statusCode, placed.body).toBe(202)
  const { id } = placed.json<{ id: string }>()
  expect(placed.headers.location).toBe(`/v1/fleet/clean-ups/${id}`)
  const read = async () => (await service.as('auditor').get(`/v1/fleet/clean-ups/${id}`)).json<object>()
  await vi.waitFor(async () => expect(await read()).toMatchObject({ state: 'done' }), 30_000)
  expect(await read()).toMatchObject({
    ...order,
    region: 'eu-central-1',
    expectedCount: 1,
    done: 1,
    left: 0,
    troubled: []
  })
  const listed = await service.as('operator').get('/v1/fleet/clean-ups?limit=1')
  expect(listed.json<{ items: { id: string }[] }>().items.map(each => each.id)).toEqual([id])
})

it('is refused without a count, and knows no other subject and no other order', async () => {
  const missing = await post(order)
  expect([missing.statusCode, problemOf(missing).code]).toEqual([400, 'request_invalid'])
  const other = await post({ ...order, of: 'all', dryRun: true })
  expect([other.statusCode, problemOf(other).code]).toEqual([400, 'request_invalid'])
  const unknown = await service.as('auditor').get(`/v1/fleet/clean-ups/${randomUUID()}`)
  expect([unknown.statusCode, problemOf(unknown).code]).toEqual([404, 'fleet_clean_up_not_found'])
})
