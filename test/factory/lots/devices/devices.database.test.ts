import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemOf } from '../../../http/answer.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { badRowsOf, listing } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const csvOf = (...names: readonly string[]) => ['thingName', ...names, ''].join('\n')

describe('a lot with a list of its devices', () => {
  it('issues to these alone, each once, and tells what is missing', async () => {
    const lot = await lots.openLot()
    const put = await lots.put(lot, csvOf('a-1', 'a-2', 'a-3'))
    expect([put.statusCode, put.json<object>()]).toEqual([
      200,
      { lot, expected: 3, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }
    ])
    const other = await lots.issueIn(lot, { CommonName: 'b-1' })
    expect([other.statusCode, problemOf(other).code]).toEqual([409, 'device_not_expected'])
    expect(problemOf(other).violations).toEqual([
      expect.objectContaining({ pointer: '/subject/CommonName', found: 'the thing "b-1"' })
    ])
    const csr = makeCertificationRequest({ Country: 'DE', CommonName: 'a-2' })
    const first = await lots.issueIn(lot, {}, { csr })
    expect(first.statusCode).toBe(201)
    expect((await lots.issueIn(lot, {}, { csr })).statusCode).toBe(200)
    const again = await lots.issueIn(lot, { CommonName: 'a-2' })
    expect(problemOf(again).code).toBe('device_already_certified')
    expect(await lots.read(lot)).toMatchObject({ devices: { expected: 3, issued: 1, outstanding: 2 } })
    const all = (await lots.list(lot)).json<{ items: object[] }>()
    expect(all.items).toEqual([
      { line: 2, thingName: 'a-1', state: 'outstanding' },
      { line: 3, thingName: 'a-2', state: 'issued', issuanceId: first.json<{ id: string }>().id },
      { line: 4, thingName: 'a-3', state: 'outstanding' }
    ])
  })
})
