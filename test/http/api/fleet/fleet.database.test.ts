import { randomUUID } from 'node:crypto'
import type { Static } from 'typebox'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type {
  FleetFinding,
  FleetReconciliation,
  FleetSummary
} from '../../../../src/http/api/fleet/schemas.ts'
import { standInEnvironment, startControlPlane } from '../../../aws/registering.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'

type View = Static<typeof FleetFinding>

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let service: HttpService
let registrationId: string
beforeAll(async () => {
  cloud = await startControlPlane()
  Object.assign(process.env, standInEnvironment(cloud.plane.url))
  service = await openService()
  const { id: authorityId } = await service.database.prisma.authority.findUniqueOrThrow({
    where: { name: 'starter-g1' }
  })
  const place = { authorityId, region: 'eu-central-1', accountAlias: '' }
  registrationId = randomUUID()
  await service.database.prisma.awsRegistration.create({
    data: { ...place, id: registrationId, createdAt: new Date(), createdBy: 'test' }
  })
})
afterAll(async () => {
  await service.stop()
  await cloud.plane.stop()
})

async function list(query: string) {
  const answer = await service.as('operator').get(`/v1/fleet/findings?${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json<{ items: View[]; nextCursor?: string }>()
}

it('looks at the fleet in the background, and lists what it has found', async () => {
  const issued = await Promise.all(Array.from({ length: 5 }, () => service.issue()))
  const begun = await service
    .as('operator')
    .post('/v1/fleet/reconciliations', { neverSeenDays: 0, note: 'before the audit' })
  expect(begun.statusCode, begun.body).toBe(202)
  const { id } = begun.json<Static<typeof FleetReconciliation>>()
  expect(begun.headers.location).toBe(`/v1/fleet/reconciliations/${id}`)
  const read = async () =>
    (await service.as('auditor').get(`/v1/fleet/reconciliations/${id}`)).json<
      Static<typeof FleetReconciliation>
    >()
  await vi.waitFor(async () => expect(await read()).toMatchObject({ state: 'done' }), 30_000)
  expect((await read()).parts).toEqual([
    expect.objectContaining({ region: 'eu-central-1', phase: 'done', listed: 0 }),
    expect.objectContaining({ authority: 'starter-g1', phase: 'done' })
  ])
  const { items } = await list('kind=issued-never-seen')
  expect(items.map(({ issuanceId }) => issuanceId).sort()).toEqual(issued.map(each => each.id).sort())
  expect((await list('kind=issued-never-seen&region=eu-central-1')).items).toEqual([])
  expect((await list('authority=another')).items).toEqual([])
  expect((await list(`issuance=${issued[0]!.id}`)).items).toHaveLength(1)
  const summary = (await service.as('auditor').get('/v1/fleet')).json<Static<typeof FleetSummary>>()
  expect(summary).toMatchObject({
    openAlarms: 0,
    places: [
      { region: 'eu-central-1', held: { registered: 0, connected: 0, byStatus: {} }, findings: {} },
      { authority: 'starter-g1', findings: { 'issued-never-seen': 5 } }
    ]
  })
})

it('lists page by page, and whole as CSV and NDJSON', async () => {
  const seen: View[] = []
  let cursor = ''
  for (let page = 0; page < 10; page++) {
    const { items, nextCursor } = await list(`limit=2${cursor}`)
    seen.push(...items)
    if (nextCursor === undefined) break
    cursor = `&cursor=${nextCursor}`
  }
  expect(new Set(seen.map(({ id }) => id)).size).toBe(5)
  const rows = async (accept: string) => {
    const headers = { ...service.bearer('auditor'), accept }
    const answer = await service.send({ url: '/v1/fleet/findings', headers })
    expect(answer.statusCode).toBe(200)
    return answer.body.trim().split(/\r?\n/)
  }
  const csv = await rows('text/csv')
  expect([csv[0]!.split(',').slice(0, 3), csv.length]).toEqual([['id', 'kind', 'authority'], 6])
  const lines = (await rows('application/x-ndjson')).map(line => JSON.parse(line) as View)
  expect(lines.map(({ id }) => id)).toEqual(seen.map(({ id }) => id))
})

it('an alarm is told by readiness and metrics until it is acknowledged', async () => {
  const { prisma } = service.database
  const { authorityId } = await prisma.awsRegistration.findUniqueOrThrow({ where: { id: registrationId } })
  const now = new Date()
  const { id } = await prisma.fleetFinding.create({
    data: {
      kind: 'seen-never-issued',
      authorityId,
      registrationId,
      placeId: registrationId,
      key: Buffer.alloc(32, 7),
      details: { status: 'ACTIVE', registeredAt: null },
      isAlarm: true,
      foundAt: now,
      confirmedAt: now,
      confirmedBy: registrationId
    }
  })
  const check = async () =>
    (await service.as('auditor').get('/readyz')).json<{
      ready: boolean
      checks: { fleet: { ok: boolean } }
    }>()
  const metric = async () => (await service.as('auditor').get('/metrics')).body
  const label = 'authority="starter-g1",account="",region="eu-central-1"'
  await vi.waitFor(async () => {
    expect(await check()).toMatchObject({ ready: true, checks: { fleet: { ok: false } } })
    expect(await metric()).toContain(`mintline_fleet_alarms{${label}} 1`)
    expect(await metric()).toContain(`mintline_fleet_findings{${label},kind="seen-never-issued"} 1`)
  }, 10_000)
  await expect(prisma.fleetFinding.delete({ where: { id } })).rejects.toThrow()
  const open = await list('alarms=open')
  expect(open.items).toEqual([
    expect.objectContaining({ id: String(id), isAlarm: true, details: { status: 'ACTIVE' } })
  ])
  const acknowledge = (finding: string) =>
    service.as('operator').post(`/v1/fleet/findings/${finding}/acknowledge`, { note: 'a trial' })
  expect((await acknowledge(String(id))).json()).toMatchObject({ acknowledgeNote: 'a trial' })
  expect((await list('alarms=open')).items).toEqual([])
  const unknown = await acknowledge('123456789')
  expect([unknown.statusCode, problemOf(unknown).code]).toEqual([404, 'fleet_finding_not_found'])
  await vi.waitFor(
    async () => expect(await check()).toMatchObject({ checks: { fleet: { ok: true } } }),
    10_000
  )
  const audit = await service.as('auditor').get('/v1/audit-events?act=fleet.acknowledge')
  expect(audit.json<{ items: object[] }>().items).toEqual([
    expect.objectContaining({ reason: 'a trial', subject: 'authority/starter-g1' })
  ])
})

it.each(['kind=lost', 'cursor=abc', 'alarms=closed', 'limit=500', 'issuance=1'])(
  'refuses %s',
  async query => {
    const answer = await service.as('auditor').get(`/v1/fleet/findings?${query}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
  }
)

it('knows no look of another id', async () => {
  const answer = await service.as('auditor').get(`/v1/fleet/reconciliations/${randomUUID()}`)
  expect([answer.statusCode, problemOf(answer).code]).toEqual([404, 'fleet_reconciliation_not_found'])
})
