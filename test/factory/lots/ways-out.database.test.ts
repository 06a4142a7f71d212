import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LotView } from '../../../src/http/api/lots/schemas.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { problemOf } from '../../http/answer.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { listing, spkiSha256Of } from './devices/listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const makeCsr = (name: string) => makeCertificationRequest({ Country: 'DE', CommonName: name })
const patchStation = (name: string, change: object) =>
  service.send({
    method: 'PATCH',
    url: `/v1/stations/${name}`,
    headers: service.bearer('operator'),
    payload: change
  })

describe('a refusal of a lot names a way out that there is', () => {
  it('of one that is not open yet: to wait, since nothing opens it ahead of its time', async () => {
    const lot = await lots.openLot({ opensAt: '2099-01-01T00:00:00Z' })
    const subject = { CommonName: 'early-1' }
    const refused = await lots.issueIn(lot, subject)
    expect(problemOf(refused)).toMatchObject({ code: 'lot_paused' })
    expect(problemOf(refused).detail).toContain('opensAt')
    expect(problemOf(refused).detail).not.toContain('resume')
    const resumed = await service.as('operator').post(`/v1/lots/${lot}/resume`)
    expect(resumed.json<LotView>().state).toBe('paused')
    expect(problemOf(await lots.issueIn(lot, subject)).code).toBe('lot_paused')
  })

  it('of one that is for other stations: another one, or the lots of the station', async () => {
    await service.as('admin').post('/v1/stations', { name: 'elsewhere', profiles: ['*'] })
    const theirs = await lots.openLot({ stations: ['elsewhere'] })
    const refused = await lots.issueIn(theirs, { CommonName: 'other-1' })
    expect(problemOf(refused)).toMatchObject({ code: 'lot_not_allowed' })
    expect(problemOf(refused).detail).toContain('POST /v1/lots')
    const ours = await lots.openLot({ stations: ['starter'] })
    expect((await lots.issueIn(ours, { CommonName: 'other-1' })).statusCode).toBe(201)

    const all = await lots.openLot()
    expect((await patchStation('starter', { lots: [ours] })).statusCode).toBe(200)
    const held = await lots.issueIn(all, { CommonName: 'other-2' })
    expect(problemOf(held).detail).toContain('PATCH /v1/stations/starter')
    expect((await patchStation('starter', { lots: [ours, all] })).statusCode).toBe(200)
    expect((await lots.issueIn(all, { CommonName: 'other-2' })).statusCode).toBe(201)
    expect((await patchStation('starter', { lots: null })).statusCode).toBe(200)
  })

  it('of a device that is back with a new key, where the list says the old one: to put that key', async () => {
    const profile = { ...starterProfile, name: 'back', reissue: 'supersede' }
    expect((await service.as('admin').post('/v1/profiles', profile)).statusCode).toBe(201)
    const lot = await lots.openLot({ profile: 'back' })
    const [first, next] = [makeCsr('back-1'), makeCsr('back-1')]
    const listed = (csr: Uint8Array) => `CommonName,spkiSha256\nback-1,${spkiSha256Of(csr)}\n`
    expect((await lots.put(lot, listed(first))).statusCode).toBe(200)
    const issued = await lots.issueIn(lot, {}, { csr: first, profile: 'back' })
    const early = problemOf(await lots.put(lot, listed(next)))
    expect([early.code, early.detail]).toEqual(['devices_issued', expect.stringContaining('released first')])
    const released = { reason: 'antenna replaced' }
    await service.as('operator').post(`/v1/issuances/${issued.json<{ id: string }>().id}/release`, released)
    const refused = problemOf(await lots.issueIn(lot, {}, { csr: next, profile: 'back' }))
    expect([refused.code, refused.detail]).toEqual([
      'device_not_expected',
      expect.stringContaining('an operator releases it, and puts the list with that key')
    ])
    expect((await lots.put(lot, listed(next))).statusCode).toBe(200)
    expect((await lots.issueIn(lot, {}, { csr: next, profile: 'back' })).statusCode).toBe(201)
  })

  it('of a key that another profile certified for the same name: a key of its own', async () => {
    expect(
      (await service.as('admin').post('/v1/profiles', { ...starterProfile, name: 'second' })).statusCode
    ).toBe(201)
    const [csr, next] = [makeCsr('twice-1'), makeCsr('twice-1')]
    expect((await lots.issueIn(undefined, {}, { csr, profile: 'starter' })).statusCode).toBe(201)
    const { code, detail } = problemOf(await lots.issueIn(undefined, {}, { csr, profile: 'second' }))
    expect([code, detail]).toEqual([
      'key_already_certified',
      expect.stringContaining('by the profile starter: to the profile second that is another device')
    ])
    expect((await lots.issueIn(undefined, {}, { csr: next, profile: 'second' })).statusCode).toBe(201)
  })

  it.each([
    ['another file', { 'content-range': 'bytes 14-18/77' }, '99 octets'],
    [
      'another form',
      { 'content-range': 'bytes 14-18/99', 'content-type': 'application/x-ndjson' },
      'Send on as csv'
    ]
  ])('of an upload that goes on as %s: from the beginning, under the same name', async (_, headers, says) => {
    const lot = await lots.openLot()
    const begun = { query: '?upload=odd', headers: { 'content-range': 'bytes 0-13/99' } }
    expect((await lots.put(lot, 'thingName\nz-1\n', begun)).statusCode).toBe(202)
    const { code, detail } = problemOf(await lots.put(lot, 'z-2\nz', { query: '?upload=odd', headers }))
    expect(code).toBe('devices_upload_conflict')
    expect(detail).toContain(says)
    expect(detail).toContain('from its beginning, without Content-Range')
    const whole = await lots.put(lot, 'thingName\nz-2\n', { query: '?upload=odd' })
    expect([whole.statusCode, whole.json<object>()]).toMatchObject([200, { expected: 1 }])
  })
})
