import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyStatement } from '../../../../src/factory/lots/statement/verification.ts'
import { problemOf } from '../../../http/answer.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { listing, spkiSha256Of } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
  for (const [name, reissue] of [
    ['reworked', 'supersede'],
    ['twofold', { allow: 2 }]
  ] as const) {
    const {
      name: _,
      version: __,
      ...things
    } = (await service.as('admin').get('/v1/profiles/things')).json<Record<string, unknown>>()
    const answer = await service
      .as('admin')
      .post('/v1/profiles', { ...(things['document'] ?? things), name, reissue })
    if (answer.statusCode !== 201) throw new Error(answer.body)
  }
})
afterAll(() => service.stop())

const deviceCsr = (name: string) => makeCertificationRequest({ Country: 'DE', CommonName: name })
const idOf = (answer: { json<Body>(): Body }) => answer.json<{ id: string }>().id
const release = (id: string) =>
  service.as('operator').post(`/v1/issuances/${id}/release`, { reason: 'back for rework' })
const statesIn = async (lot: string) =>
  (await lots.list(lot))
    .json<{ items: { thingName: string; issuanceId?: string }[] }>()
    .items.map(({ thingName, issuanceId }) => [thingName, issuanceId])

describe('a device of a list that comes back', () => {
  it('comes with another key once the list has that one', async () => {
    const lot = await lots.openLot({ profile: 'reworked' })
    const [before, after] = [deviceCsr('back-1'), deviceCsr('back-1')]
    const listOf = (csr: Uint8Array) => `thingName,spkiSha256\nback-1,${spkiSha256Of(csr)}\n`
    await lots.put(lot, listOf(before))
    const id = idOf(await lots.issueIn(lot, {}, { csr: before, profile: 'reworked' }))
    expect(problemOf(await lots.put(lot, listOf(after))).code).toBe('devices_issued')
    expect((await release(id)).statusCode).toBe(200)
    // Released, it is still one of the list's.
    expect(problemOf(await lots.put(lot, 'thingName\nback-2\n')).code).toBe('devices_issued')
    const early = await lots.issueIn(lot, {}, { csr: after, profile: 'reworked' })
    expect(problemOf(early).code).toBe('device_not_expected')
    expect((await lots.put(lot, listOf(after))).statusCode).toBe(200)
    expect(await statesIn(lot)).toEqual([['back-1', id]])
    const next = await lots.issueIn(lot, {}, { csr: after, profile: 'reworked' })
    expect(next.statusCode).toBe(201)
    expect(await statesIn(lot)).toEqual([['back-1', idOf(next)]])
    expect(problemOf(await lots.put(lot, listOf(before))).code).toBe('devices_issued')
  })
})

describe('a device of a list that may have two certificates', () => {
  it('stays in the list of each lot, and is told as issued in each', async () => {
    const [one, other] = [
      await lots.openLot({ profile: 'twofold' }),
      await lots.openLot({ profile: 'twofold' })
    ]
    for (const lot of [one, other]) await lots.put(lot, 'thingName\ntwo-1\ntwo-2\n')
    const ids: string[] = []
    for (const lot of [one, other])
      ids.push(idOf(await lots.issueIn(lot, { CommonName: 'two-1' }, { profile: 'twofold' })))
    expect(await Promise.all([one, other].map(statesIn))).toEqual(
      ids.map(id => [
        ['two-1', id],
        ['two-2', undefined]
      ])
    )
    for (const lot of [one, other])
      expect(problemOf(await lots.put(lot, 'thingName\ntwo-2\n')).code).toBe('devices_issued')
  })

  it('is one device of the lot, and of its statement', async () => {
    const lot = await lots.openLot({ profile: 'twofold' })
    await lots.put(lot, 'thingName\ncount-1\ncount-2\n')
    const issue = (name: string) => lots.issueIn(lot, { CommonName: name }, { profile: 'twofold' })
    for (const name of ['count-1', 'count-1']) expect((await issue(name)).statusCode).toBe(201)
    expect(await lots.read(lot)).toMatchObject({
      issued: 2,
      devices: { expected: 2, issued: 1, outstanding: 1 }
    })
    for (const name of ['count-2', 'count-2']) expect((await issue(name)).statusCode).toBe(201)
    const closed = await service.as('operator').post(`/v1/lots/${lot}/close`)
    const { statement } = closed.json<{ statement: string }>()
    const { keys } = (await service.send({ url: '/.well-known/jwks.json' })).json<{ keys: object[] }>()
    expect(await verifyStatement(statement, keys)).toMatchObject({
      issued: 4,
      devices: { expected: 2, issued: 2 }
    })
  })

  it('has none of a place of another where it names no lot', async () => {
    const lot = await lots.openLot({ profile: 'twofold', quantity: 1 })
    const issue = (named: string | undefined) =>
      lots.issueIn(named, { CommonName: 'alone-1' }, { profile: 'twofold' })
    expect((await issue(lot)).statusCode).toBe(201)
    const beside = await issue(undefined)
    expect(beside.statusCode).toBe(201)
    const record = await service.as('auditor').get(`/v1/issuances/${idOf(beside)}`)
    expect(record.json<object>()).not.toHaveProperty('lot')
    expect(await lots.read(lot)).toMatchObject({ issued: 1, remaining: 0 })
    expect(problemOf(await issue(undefined)).code).toBe('device_already_certified')
  })
})
