import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Issuance } from '../../src/http/api/issuances/schemas.ts'
import { encodePem } from '../../src/pki/pem/pem.ts'
import { problemOf } from '../http/answer.ts'
import { type HttpService, openService, someSubject } from '../http/service.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const act = (id: string, name: string, body: object) =>
  service.as('admin').post(`/v1/issuances/${id}/${name}`, body)
const grounds = { reason: 'privilegeWithdrawn', note: 'stolen' }
const retry = (csr: Uint8Array) =>
  service
    .as('station')
    .post('/v1/issuances', { csr: encodePem('CERTIFICATE REQUEST', csr), profile: 'starter' })

const issuedIds = async () =>
  (await service.database.prisma.issued.findMany()).map(({ intentId }) => intentId)

/** What stands of it beside its record; null where nothing was ever done to it. */
const statusOf = (intentId: string) =>
  service.database.prisma.certificateStatus.findUnique({
    where: { intentId },
    select: { state: true, reason: true, since: true }
  })

describe('a certificate', () => {
  it('is revoked once, for one reason, and is handed out no more', async () => {
    const csr = makeCertificationRequest(someSubject())
    const { id } = await service.issue(csr)
    expect(await statusOf(id)).toBeNull()
    expect((await act(id, 'revoke', grounds)).json()).toMatchObject({
      changed: true,
      record: { revocationReason: 'privilegeWithdrawn', revocationNote: 'stolen' }
    })
    expect((await act(id, 'revoke', grounds)).json()).toMatchObject({ changed: false })
    const other = await act(id, 'revoke', { ...grounds, reason: 'superseded' })
    expect([other.statusCode, problemOf(other).code]).toEqual([409, 'revocation_conflict'])
    const again = await retry(csr)
    expect([again.statusCode, problemOf(again).code]).toEqual([410, 'certificate_revoked'])
    expect(await statusOf(id)).toMatchObject({ state: 'revoked', reason: 'privilegeWithdrawn' })
  })

  it('is held and unheld, and revoked after that; what is revoked is held no more', async () => {
    const csr = makeCertificationRequest(someSubject())
    const { id, certificatePem } = await service.issue(csr)
    expect((await act(id, 'hold', { note: 'missing' })).json()).toMatchObject({ changed: true })
    expect(problemOf(await retry(csr)).code).toBe('certificate_held')
    expect(await statusOf(id)).toMatchObject({ state: 'held', reason: 'certificateHold' })
    expect((await act(id, 'unhold', { note: 'found' })).json()).toMatchObject({ changed: true })
    const unheld = await retry(csr)
    expect([unheld.statusCode, unheld.json<object>()]).toMatchObject([200, { certificatePem }])
    expect((await act(id, 'hold', { note: 'missing' })).json()).toMatchObject({ changed: true })
    await act(id, 'revoke', grounds)
    expect(problemOf(await act(id, 'unhold', { note: 'found' })).code).toBe('revocation_conflict')
    const acts = await service.database.prisma.revocationAct.findMany({
      where: { intentId: id },
      orderBy: { step: 'asc' }
    })
    expect(acts.map(each => [each.act, each.stateBefore])).toEqual([
      ['hold', 'good'],
      ['unhold', 'held'],
      ['hold', 'good'],
      ['revoke', 'held']
    ])
  })

  it('is revoked by serial number and by certificate id, and its compromised key is blocked', async () => {
    const { serialNumber, certificateId } = await service.issue()
    const colons = serialNumber.toUpperCase().replace(/(..)(?=.)/g, '$1:')
    const body = { reason: 'keyCompromise', note: 'published' }
    const answer = await service.as('admin').post(`/v1/certificates/${colons}/revoke`, body)
    const { blockedKey } = answer.json<{ blockedKey: string }>()
    expect((await service.as('auditor').get(`/v1/blocked-keys/${blockedKey}`)).statusCode).toBe(200)
    const same = await service.as('admin').post(`/v1/certificates/${certificateId}/revoke`, body)
    expect(same.json()).toMatchObject({ changed: false })
    const none = await service.as('admin').post(`/v1/certificates/0${'1'.repeat(31)}/revoke`, body)
    expect(problemOf(none).code).toBe('certificate_not_found')
  })

  it('that was begun alone is revoked, and never completed', async () => {
    const csr = makeCertificationRequest(someSubject())
    const id = await service.leaveOpen(csr)
    expect((await act(id, 'revoke', grounds)).json()).toMatchObject({
      changed: true,
      record: { outcome: 'unknown' }
    })
    expect(problemOf(await retry(csr)).code).toBe('certificate_revoked')
    expect(await service.database.prisma.issued.count({ where: { intentId: id } })).toBe(0)
  })

  it('that was scrapped keeps its time under a later reason', async () => {
    const { id } = await service.issue()
    await act(id, 'scrap', { reason: 'cracked' })
    const scrapped = await statusOf(id)
    expect(scrapped).toMatchObject({ state: 'revoked', reason: 'cessationOfOperation' })
    await act(id, 'revoke', { reason: 'keyCompromise', note: 'published' })
    expect(await statusOf(id)).toEqual({ ...scrapped, reason: 'keyCompromise' })
  })

  it('is revoked once by a hundred at once', async () => {
    const { id } = await service.issue()
    const answers = await Promise.all(Array.from({ length: 100 }, () => act(id, 'revoke', grounds)))
    const changed = answers.filter(answer => answer.json<{ changed?: boolean }>().changed === true)
    expect(changed).toHaveLength(1)
    expect(await service.database.prisma.revocationAct.count({ where: { intentId: id } })).toBe(1)
  })
})

it('is found by its state, as it becomes another', async () => {
  const { id } = await service.issue()
  const isFound = (state: string) =>
    vi.waitFor(
      async () => {
        const answer = await service.as('auditor').get(`/v1/issuances?state=${state}&limit=200`)
        expect(answer.json<{ items: { id: string }[] }>().items.map(item => item.id)).toContain(id)
      },
      { timeout: 20_000, interval: 100 }
    )
  await isFound('issued')
  await act(id, 'hold', { note: 'missing' })
  await isFound('held')
  await act(id, 'unhold', { note: 'found' })
  await isFound('issued')
  await act(id, 'revoke', grounds)
  await isFound('revoked')
  const summary = await service.as('auditor').get('/v1/issuances/summary?by=state')
  const { groups } = summary.json<{ groups: { state: string; count: number }[] }>()
  const revoked = await service.database.prisma.certificateStatus.count({
    where: { state: 'revoked', intentId: { in: await issuedIds() } }
  })
  expect(groups).toContainEqual({ state: 'revoked', count: revoked })
})

it('is held by an operator of its line alone', async () => {
  const admin = service.as('admin')
  await admin.post('/v1/stations', { name: 'on-a7', line: 'A7', profiles: ['*'] })
  const bearerOf = async (token: object) => {
    const { secret } = (await admin.post('/v1/tokens', token)).json<{ secret: string }>()
    return { authorization: `Bearer ${secret}` }
  }
  const onLine = await bearerOf({ role: 'station', name: 'on-a7', station: 'on-a7' })
  const ofLine = await bearerOf({ role: 'operator', name: 'of-a7', lines: ['A7'] })
  const ofOther = await bearerOf({ role: 'operator', name: 'of-b2', lines: ['B2'] })
  const post = (url: string, headers: Readonly<Record<string, string>>, payload: object) =>
    service.send({ method: 'POST', url, headers, payload })
  const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))
  const made = (await post('/v1/issuances', onLine, { csr, profile: 'starter' })).json<Issuance>()
  const note = { note: 'missing' }
  for (const name of ['hold', 'unhold']) {
    const others = [
      await post(`/v1/issuances/${made.id}/${name}`, ofOther, note),
      await post(`/v1/certificates/${made.serialNumber}/${name}`, ofOther, note),
      await post(`/v1/certificates/${made.certificateId}/${name}`, ofOther, note)
    ]
    expect(others.map(answer => [answer.statusCode, problemOf(answer).code])).toEqual([
      [404, 'issuance_not_found'],
      [404, 'certificate_not_found'],
      [404, 'certificate_not_found']
    ])
  }
  expect(await statusOf(made.id)).toBeNull()
  const held = await post(`/v1/certificates/${made.serialNumber}/hold`, ofLine, note)
  expect(held.json()).toMatchObject({ changed: true, record: { id: made.id, heldBy: 'operator/of-a7' } })
  expect((await post(`/v1/issuances/${made.id}/unhold`, ofLine, note)).json()).toMatchObject({
    changed: true
  })
  expect((await post(`/v1/issuances/${made.id}/revoke`, ofLine, grounds)).statusCode).toBe(403)
})

describe('an order', () => {
  it('is counted first, and revokes each of its certificates once', async () => {
    const ids = (await Promise.all(Array.from({ length: 5 }, () => service.issue()))).map(({ id }) => id)
    const order = { select: { ids }, ...grounds }
    const post = (more: object) => service.as('admin').post('/v1/revocations', { ...order, ...more })
    expect((await post({ dryRun: true })).json()).toEqual({ count: 5, leftOut: 0 })
    expect(problemOf(await post({})).code).toBe('request_invalid')
    expect(problemOf(await post({ expectedCount: 4 })).code).toBe('revocation_count_changed')
    const placed = await post({ expectedCount: 5 })
    expect(placed.statusCode).toBe(202)
    const { id } = placed.json<{ id: string }>()
    await vi.waitFor(
      async () =>
        expect((await service.as('auditor').get(`/v1/revocations/${id}`)).json()).toMatchObject({
          state: 'done',
          done: 5,
          skipped: 0,
          failed: 0
        }),
      { timeout: 20_000, interval: 200 }
    )
    expect(await service.database.prisma.revocationAct.count({ where: { orderId: id } })).toBe(5)
    expect(problemOf(await post({ expectedCount: 5 })).code).toBe('revocation_count_changed')
  })
})

it.each([
  ['UPDATE revocation_act SET reason = reason'],
  ['DELETE FROM certificate_status'],
  [`UPDATE certificate_status SET state = 'good', reason = NULL, since = NULL, act_id = NULL`]
])('the database refuses %s', async statement => {
  await expect(service.owner.prisma.$executeRawUnsafe(statement)).rejects.toThrow()
})
