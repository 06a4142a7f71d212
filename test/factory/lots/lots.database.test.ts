import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LotProgressView, LotView } from '../../../src/http/api/lots/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { problemOf } from '../../http/answer.ts'
import { makeGeneration } from '../../http/generations.ts'
import { type HttpService, openService, someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'

let service: HttpService
let lotsMade = 0

beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const makeCsr = () => makeCertificationRequest(someSubject())

async function openLot(more: object = {}) {
  const id = `lot-${++lotsMade}`
  const answer = await service
    .as('operator')
    .post('/v1/lots', { id, profile: 'starter', quantity: 2, ...more })
  expect(answer.statusCode).toBe(201)
  return answer.json<LotView>()
}

const issueIn = (lot: string | undefined, csr: Uint8Array = makeCsr()) =>
  service.as('station').post('/v1/issuances', {
    csr: encodePem('CERTIFICATE REQUEST', csr),
    profile: 'starter',
    ...(lot !== undefined && { lot })
  })
const read = async (id: string) => (await service.as('auditor').get(`/v1/lots/${id}`)).json<LotProgressView>()
const act = (id: string, verb: string, body: object = {}) =>
  service.as('operator').post(`/v1/lots/${id}/${verb}`, body)
const change = (id: string, body: object) =>
  service.send({ method: 'PATCH', url: `/v1/lots/${id}`, headers: service.bearer('operator'), payload: body })

describe('a lot', () => {
  it('is made once, and told again where it is the same', async () => {
    const lot = await openLot({ stations: ['starter'], closesAt: '2099-01-01T00:00:00Z' })
    expect(lot).toMatchObject({ state: 'open', stations: ['starter'], createdBy: 'operator/test-operator' })
    const body = {
      id: lot.id,
      profile: 'starter',
      quantity: 2,
      stations: ['starter'],
      closesAt: '2099-01-01T01:00:00+01:00'
    }
    expect((await service.as('admin').post('/v1/lots', body)).statusCode).toBe(200)
    const other = await service.as('admin').post('/v1/lots', { ...body, quantity: 3 })
    expect([other.statusCode, problemOf(other).code]).toEqual([409, 'lot_exists'])
  })

  it.each([
    [{ profile: 'nowhere' }, '/profile'],
    [{ stations: ['nobody'] }, '/stations/0'],
    [{ closesAt: '2020-01-01T00:00:00Z' }, '/closesAt'],
    [{ opensAt: '2099-01-02T00:00:00Z', closesAt: '2099-01-01T00:00:00Z' }, '/closesAt']
  ])('is refused where it cannot be: %j', async (more, pointer) => {
    const body = { id: 'bad', profile: 'starter', quantity: 1, ...more }
    const answer = await service.as('operator').post('/v1/lots', body)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'lot_invalid'])
    expect(problemOf(answer).violations).toEqual([expect.objectContaining({ pointer })])
  })

  it('takes as many devices as it has places, and gives each what it got', async () => {
    const { id } = await openLot()
    const csrs = [makeCsr(), makeCsr(), makeCsr()]
    const answers = await Promise.all(csrs.map(csr => issueIn(id, csr)))
    const statuses = answers.map(({ statusCode }) => statusCode).sort()
    expect(statuses).toEqual([201, 201, 409])
    const full = answers.find(({ statusCode }) => statusCode === 409)!
    expect(problemOf(full).code).toBe('lot_full')
    const issued = answers.findIndex(({ statusCode }) => statusCode === 201)
    // A retry that names another lot, or none, costs nothing and gets the same.
    const { id: other } = await openLot()
    for (const lot of [id, other, undefined, 'nowhere']) {
      const again = await issueIn(lot, csrs[issued])
      expect([again.statusCode, again.json<{ id: string }>().id]).toEqual([
        200,
        answers[issued]!.json<{ id: string }>().id
      ])
    }
    expect(await read(other)).toMatchObject({ issued: 0, remaining: 2, refused: 0 })
    expect(await read(id)).toMatchObject({
      ordered: 2,
      issued: 2,
      open: 0,
      refused: 1,
      remaining: 0,
      perStation: [{ station: 'starter', issued: 2, open: 0, refused: 1, scrapped: 0 }]
    })
    const record = await service
      .as('auditor')
      .get(`/v1/issuances/${answers[issued]!.json<{ id: string }>().id}`)
    expect(record.json<{ lot: string }>().lot).toBe(id)
  })

  it('takes a raw CSR by the query', async () => {
    const { id } = await openLot()
    const answer = await service
      .as('station')
      .post(`/v1/issuances?profile=starter&lot=${id}`, makeCsr(), { 'content-type': 'application/pkcs10' })
    expect(answer.statusCode).toBe(201)
    expect(await read(id)).toMatchObject({ issued: 1 })
  })

  it('counts a refusal that was repeated', async () => {
    const { id } = await openLot({ quantity: 1 })
    await issueIn(id)
    const csr = makeCsr()
    for (let tries = 0; tries < 3; tries++) expect((await issueIn(id, csr)).statusCode).toBe(409)
    expect((await read(id)).refused).toBeGreaterThanOrEqual(1)
  })

  const early = { opensAt: '2099-01-01T00:00:00Z' }
  it.each([
    ['lot_not_found', 404, async () => 'nowhere'],
    ['lot_paused', 409, async () => (await openLot(early)).id],
    [
      'lot_paused',
      409,
      async () => {
        const { id } = await openLot()
        await act(id, 'pause')
        return id
      }
    ],
    [
      'lot_closed',
      409,
      async () => {
        const { id } = await openLot()
        await act(id, 'close')
        return id
      }
    ],
    [
      'lot_closed',
      409,
      async () => {
        const soon = new Date(Date.now() + 300)
        const { id } = await openLot({ closesAt: soon.toISOString() })
        await new Promise(resolve => setTimeout(resolve, 400))
        return id
      }
    ],
    [
      'lot_not_allowed',
      403,
      async () => {
        const { document } = { document: { ...starterProfile, name: 'other' } }
        await service.as('admin').post('/v1/profiles', document)
        return (await openLot({ profile: 'other' })).id
      }
    ],
    [
      'lot_not_allowed',
      403,
      async () => {
        await service.as('admin').post('/v1/stations', { name: 'elsewhere', profiles: ['*'] })
        return (await openLot({ stations: ['elsewhere'] })).id
      }
    ]
  ])('refuses with %s (%i)', async (code, status, makeLot) => {
    const answer = await issueIn(await makeLot())
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
    expect(problemOf(answer)).toHaveProperty('issuanceId')
  })

  it('is paused and resumed, and the same again changes nothing', async () => {
    const { id } = await openLot()
    for (const verb of ['pause', 'pause'])
      expect((await act(id, verb)).json()).toMatchObject({ state: 'paused' })
    for (const verb of ['resume', 'resume'])
      expect((await act(id, verb)).json()).toMatchObject({ state: 'open' })
    expect((await issueIn(id)).statusCode).toBe(201)
    const events = await service.database.prisma.auditEvent.findMany({ where: { subject: `lot/${id}` } })
    expect(events.map(event => event.act).sort()).toEqual(['lot.create', 'lot.pause', 'lot.resume'])
  })

  it('has its quantity changed, never below what is taken', async () => {
    const { id } = await openLot()
    await issueIn(id)
    await issueIn(id)
    const refused = await change(id, { quantity: 1 })
    expect([refused.statusCode, problemOf(refused).code]).toEqual([409, 'lot_quantity_taken'])
    expect((await change(id, { quantity: 3, reason: 'raised' })).json()).toMatchObject({
      ordered: 3,
      remaining: 1
    })
    expect((await issueIn(id)).statusCode).toBe(201)
  })

  it('is for whom a station is for', async () => {
    const [{ id: own }, { id: other }] = [await openLot(), await openLot()]
    await service.send({
      method: 'PATCH',
      url: '/v1/stations/starter',
      headers: service.bearer('operator'),
      payload: { lots: [own] }
    })
    expect((await issueIn(own)).statusCode).toBe(201)
    expect(problemOf(await issueIn(other)).code).toBe('lot_not_allowed')
    const without = await issueIn(undefined)
    expect([without.statusCode, problemOf(without).code]).toEqual([422, 'lot_required'])
    await service.send({
      method: 'PATCH',
      url: '/v1/stations/starter',
      headers: service.bearer('operator'),
      payload: { lots: null }
    })
  })

  it('gives back the place of an intent that is declared void', async () => {
    const { id } = await openLot({ quantity: 1 })
    const intent = await service.leaveOpen(makeCsr(), {}, id)
    expect(await read(id)).toMatchObject({ issued: 0, open: 1, remaining: 0 })
    expect(problemOf(await issueIn(id)).code).toBe('lot_full')
    const voided = await Promise.all(
      Array.from({ length: 5 }, () =>
        service.as('admin').post(`/v1/issuances/${intent}/void`, { reason: 'the station is gone' })
      )
    )
    expect(new Set(voided.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(await read(id)).toMatchObject({ issued: 0, open: 0, remaining: 1 })
    expect((await issueIn(id)).statusCode).toBe(201)
  })
})

describe('a device that gets its next certificate', () => {
  it('keeps the place it has, also where it names no lot, and is told of that lot where it may not', async () => {
    const admin = service.as('admin')
    const generation = await makeGeneration(service, 'moved', 'active')
    await admin.post('/v1/profiles', { ...starterProfile, name: 'moved', authority: 'moved' })
    const { id: lot } = await openLot({ profile: 'moved', quantity: 1 })
    const ask = (csr: Uint8Array, more: object = {}) =>
      service.as('station').post('/v1/issuances', {
        csr: encodePem('CERTIFICATE REQUEST', csr),
        profile: 'moved',
        ...more
      })
    const csr = makeCsr()
    const { id } = (await ask(csr, { lot })).json<{ id: string }>()
    await admin.post(`/v1/authorities/${generation}/compromise`, { reason: 'drill' })
    await makeGeneration(service, 'moved', 'active')
    await act(lot, 'pause')
    const paused = await ask(csr)
    expect([paused.statusCode, problemOf(paused).code]).toEqual([409, 'lot_paused'])
    expect(problemOf(paused).detail).toContain(lot)
    await act(lot, 'resume')
    const next = await ask(csr)
    expect(next.statusCode).toBe(201)
    expect(next.json<{ id: string }>().id).not.toBe(id)
    expect(await read(lot)).toMatchObject({ issued: 1, open: 0, remaining: 0 })
    expect(problemOf(await ask(makeCsr(), { lot })).code).toBe('lot_full')
  })
})

describe('a device that is scrapped', () => {
  const scrap = (id: string) =>
    service.as('operator').post(`/v1/issuances/${id}/scrap`, { reason: 'board is cracked' })

  it('gives its place back, gets its certificate no more, and no other', async () => {
    const { id: lot } = await openLot({ quantity: 1 })
    const subject = someSubject()
    const csr = makeCertificationRequest(subject)
    const { id } = (await issueIn(lot, csr)).json<{ id: string }>()
    for (let times = 0; times < 2; times++) {
      expect((await scrap(id)).json()).toMatchObject({
        id,
        outcome: 'issued',
        scrappedBy: 'operator/test-operator',
        scrapReason: 'board is cracked'
      })
    }
    expect(await read(lot)).toMatchObject({
      issued: 0,
      scrapped: 1,
      remaining: 1,
      perStation: [{ station: 'starter', issued: 0, open: 0, refused: 0, scrapped: 1 }]
    })
    for (const again of [csr, makeCertificationRequest(subject)]) {
      const refused = await issueIn(lot, again)
      expect([refused.statusCode, problemOf(refused).code]).toEqual([410, 'certificate_revoked'])
    }
    expect((await issueIn(lot)).statusCode).toBe(201)
    expect(problemOf(await issueIn(lot)).code).toBe('lot_full')
    const closed = (await act(lot, 'close')).json<{ statement: string }>()
    const stated: unknown = JSON.parse(Buffer.from(closed.statement.split('.')[1]!, 'base64url').toString())
    expect(stated).toMatchObject({ ordered: 1, issued: 1, remaining: 0, scrapped: 1, refused: 3 })
  })

  it('is not what was never issued', async () => {
    const { id: lot } = await openLot()
    const intent = await service.leaveOpen(makeCsr(), {}, lot)
    const answer = await scrap(intent)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'issuance_not_scrappable'])
    expect(await read(lot)).toMatchObject({ open: 1, scrapped: 0 })
  })

  it('is scrapped once by many at once', async () => {
    const { id: lot } = await openLot()
    const { id } = (await issueIn(lot)).json<{ id: string }>()
    const answers = await Promise.all(Array.from({ length: 10 }, () => scrap(id)))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(await read(lot)).toMatchObject({ issued: 0, scrapped: 1, remaining: 2 })
  })
})

describe('a profile that demands a lot', () => {
  it('refuses a request without one, and serves again what was served before', async () => {
    const document = { ...starterProfile, name: 'by-lot' }
    await service.as('admin').post('/v1/profiles', document)
    const ask = (csr: Uint8Array, lot?: string) =>
      service.as('station').post('/v1/issuances', {
        csr: encodePem('CERTIFICATE REQUEST', csr),
        profile: 'by-lot',
        ...(lot && { lot })
      })
    const csr = makeCsr()
    expect((await ask(csr)).statusCode).toBe(201)
    await service.as('admin').post('/v1/profiles', { ...document, lot: 'required' })
    expect((await ask(csr)).statusCode).toBe(200)
    const refused = await ask(makeCsr())
    expect([refused.statusCode, problemOf(refused).code]).toEqual([422, 'lot_required'])
    const { id } = await openLot({ profile: 'by-lot' })
    expect((await ask(makeCsr(), id)).statusCode).toBe(201)
  })
})
