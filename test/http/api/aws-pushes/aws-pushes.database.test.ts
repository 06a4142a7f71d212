import { randomUUID } from 'node:crypto'
import type { Static } from 'typebox'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { AwsPush } from '../../../../src/http/api/aws-pushes/schemas.ts'
import { standInEnvironment } from '../../../aws/registering.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService, someSubject } from '../../service.ts'

type View = Static<typeof AwsPush>

let service: HttpService
beforeAll(async () => {
  // Nobody answers there.
  Object.assign(process.env, standInEnvironment('http://127.0.0.1:9'))
  service = await openService()
  const { id: authorityId } = await service.database.prisma.authority.findUniqueOrThrow({
    where: { name: 'starter-g1' }
  })
  for (const [region, accountAlias] of [
    ['eu-central-1', ''],
    ['us-east-1', 'production']
  ] as const)
    await service.database.prisma.awsRegistration.create({
      data: { id: randomUUID(), authorityId, region, accountAlias, createdAt: new Date(), createdBy: 'test' }
    })
})
afterAll(() => service.stop())

const grounds = { reason: 'cessationOfOperation', note: 'the product is withdrawn' }

async function list(query: string) {
  const answer = await service.as('auditor').get(`/v1/aws-pushes?${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json<{ items: View[]; nextCursor?: string }>()
}

async function revokeMany(count: number) {
  const made = await Promise.all(
    Array.from({ length: count }, () => service.issue(makeCertificationRequest(someSubject())))
  )
  const order = { ...grounds, select: { ids: made.map(({ id }) => id) }, expectedCount: count }
  const { id } = (await service.as('admin').post('/v1/revocations', order)).json<{ id: string }>()
  const read = async () => (await service.as('auditor').get(`/v1/revocations/${id}`)).json<object>()
  await vi.waitFor(async () => expect(await read()).toMatchObject({ state: 'done' }), 30_000)
  return { id, made, read }
}

it('lists one entry for each certificate, account and region, as soon as the act is on record', async () => {
  const { id, certificateId } = await service.issue()
  await service.as('admin').post(`/v1/issuances/${id}/revoke`, grounds)
  const { items } = await list(`issuance=${id}`)
  expect(items.map(({ region, accountAlias }) => [region, accountAlias]).sort()).toEqual([
    ['eu-central-1', undefined],
    ['us-east-1', 'production']
  ])
  expect(items[0]).toMatchObject({
    issuanceId: id,
    certificateId,
    authority: 'starter-g1',
    state: 'waiting',
    drifts: 0
  })
  expect((await list(`issuance=${id}&region=us-east-1`)).items).toHaveLength(1)
  expect((await list(`issuance=${id}&accountAlias=nobody`)).items).toEqual([])
  expect((await list(`issuance=${id}&authority=another`)).items).toEqual([])
  expect((await list(`issuance=${id}&state=done`)).items).toEqual([])
})

it('of an order to revoke many says how far AWS has been told, and lists that page by page', async () => {
  const { id, made, read } = await revokeMany(5)
  expect(await read()).toMatchObject({
    awsPushes: { waiting: 10, unseen: 0, absent: 0, done: 0, refused: 0, over: 0 }
  })
  const seen: View[] = []
  let cursor = ''
  for (let page = 0; page < 10; page++) {
    const { items, nextCursor } = await list(`revocation=${id}&limit=3${cursor}`)
    seen.push(...items)
    if (nextCursor === undefined) break
    cursor = `&cursor=${nextCursor}`
  }
  expect(seen.map(({ revocation }) => revocation)).toEqual(Array.from({ length: 10 }, () => id))
  expect(new Set(seen.map(({ issuanceId }) => issuanceId))).toEqual(new Set(made.map(each => each.id)))
  expect(seen.map(each => Number(each.id))).toEqual(seen.map(each => Number(each.id)).sort((a, b) => b - a))
  const { prisma } = service.database
  await prisma.awsPush.updateMany({ where: { orderId: id }, data: { state: 'done', dueAt: null } })
  expect(await read()).toMatchObject({ awsPushes: { waiting: 0, done: 10 } })
})

it.each(['state=lost', 'cursor=abc', 'revocation=1', 'limit=500'])('refuses %s', async query => {
  const answer = await service.as('auditor').get(`/v1/aws-pushes?${query}`)
  expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
})

it('tells metrics of each account and region, and readiness what keeps AWS from being told', async () => {
  const { prisma } = service.database
  const registration = await prisma.awsRegistration.findFirstOrThrow({ where: { region: 'us-east-1' } })
  const metrics = async () => (await service.as('auditor').get('/metrics')).body
  const labels = 'authority="starter-g1",account="production",region="us-east-1"'
  const waiting = await prisma.awsPush.count({ where: { registrationId: registration.id, state: 'waiting' } })
  await vi.waitFor(
    async () =>
      expect(await metrics()).toContain(`mintline_aws_pushes{${labels},state="waiting"} ${waiting}`),
    5_000
  )
  const lastError = { code: 'aws_refused', detail: 'there are no credentials' }
  const failedSince = new Date(Date.now() - 120_000)
  await prisma.awsPushState.upsert({
    where: { registrationId: registration.id },
    create: { registrationId: registration.id, seenXid: 1n, failedSince, lastError, drifts: 3n },
    update: { failedSince, lastError, drifts: 3n }
  })
  const readiness = async () =>
    (await service.as('auditor').get('/readyz')).json<{ ready: boolean; checks: object }>()
  await vi.waitFor(
    async () =>
      expect(await readiness()).toMatchObject({
        ready: true,
        checks: {
          awsPushes: {
            ok: false,
            detail: expect.stringMatching(
              /starter-g1 in us-east-1 \(account production\).*there are no credentials/
            ) as string
          }
        }
      }),
    5_000
  )
  await vi.waitFor(
    async () => expect(await metrics()).toContain(`mintline_aws_push_drifts_total{${labels}} 3`),
    5_000
  )
})

it('is part of the record, where its certificate is out of use, and not for stations', async () => {
  const { id } = await service.issue()
  const path = `/v1/issuances/${id}`
  const read = async (role: 'station' | 'auditor', url: string) =>
    (await service.as(role).get(url)).json<{ awsPushes?: object[]; items: { awsPushes?: object[] }[] }>()
  expect(await read('auditor', path)).not.toHaveProperty('awsPushes')
  await service.as('admin').post(`${path}/revoke`, grounds)
  const places = [
    { region: 'eu-central-1', state: 'waiting' },
    { region: 'us-east-1', accountAlias: 'production', state: 'waiting' }
  ]
  expect((await read('auditor', path)).awsPushes).toEqual(places)
  expect(await read('station', path)).not.toHaveProperty('awsPushes')
  const listed = await read('auditor', '/v1/issuances?limit=1&fields=id,awsPushes')
  expect(listed.items).toEqual([{ id, awsPushes: places }])
  expect((await read('auditor', '/v1/issuances?limit=1')).items[0]).not.toHaveProperty('awsPushes')
  const lastError = { code: 'aws_refused', detail: 'iot:UpdateCertificate is not allowed' }
  await service.database.prisma.awsPush.updateMany({
    where: { intentId: id, registration: { region: 'us-east-1' } },
    data: { state: 'refused', lastError }
  })
  expect((await read('auditor', path)).awsPushes).toMatchObject([
    { state: 'waiting' },
    { state: 'refused', lastError }
  ])
})
