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

describe('a list', () => {
  it.each([
    ['CSV', 'text/csv', 'thingName;SerialNumber\r\nn-1;SN-1\r\n"n-2";\r\n'],
    [
      'NDJSON',
      'application/x-ndjson',
      '{"thingName":"n-1","subject":{"SerialNumber":"SN-1"}}\n{"thingName":"n-2"}'
    ],
    [
      'JSON',
      'application/json',
      '[{"thingName":"n-1","subject":{"SerialNumber":"SN-1"}}, {"thingName":"n-2"}]'
    ]
  ])('is the same as %s', async (_name, type, list) => {
    const lot = await lots.openLot()
    const put = await lots.put(lot, list, { type })
    // By Python: sha256(sha256(first).digest() + second), of the rows as JSON without spaces.
    expect(put.json<object>()).toMatchObject({
      expected: 2,
      sha256: '7583febbf2e75b09ab28b47df7562f6c015ab6a66b506ea39a753b0808f27ea8'
    })
  })

  it('names all rows that are at fault, and changes nothing', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, csvOf('old'))
    const key = 'ab'.repeat(32)
    const rows = [
      'thingName,CommonName,SerialNumber,Organization,spkiSha256',
      'm-1,,,,',
      ',,SN-1,,',
      'm 2,,,,',
      'm-3,m-4,,,',
      'm-5,,sn5,,',
      'm-6,,,,nokey',
      'm-1,,,,',
      ',m-1,,,',
      'too,few',
      `m-7,,,,${key}`,
      `m-8,,,,${key}`
    ]
    const answer = await lots.put(lot, rows.join('\n'))
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'devices_invalid'])
    expect(badRowsOf(answer)).toEqual([
      '3/subject/CommonName',
      '4/thingName',
      '5/thingName',
      '6/subject/SerialNumber',
      '7/spkiSha256',
      '8',
      '9',
      '10'
    ])
    expect(problemOf(answer)).toMatchObject({ badRowCount: 8 })
    expect(answer.body).toContain('that of line 2 again')
    expect(await lots.read(lot)).toMatchObject({ devices: { expected: 1 } })
    // What no single row tells is looked at once each of them is right.
    const keys = await lots.put(lot, ['thingName,spkiSha256', `m-7,${key}`, `m-8,${key}`].join('\n'))
    expect(badRowsOf(keys)).toEqual(['3/spkiSha256'])
  })

  it('tells of a thousand rows and counts the rest, across blocks', async () => {
    const lot = await lots.openLot()
    const names = Array.from({ length: 2_500 }, (_, index) => `k-${index}`)
    const answer = await lots.put(lot, csvOf(...names, ...names))
    expect(answer.json<object>()).toMatchObject({ code: 'devices_invalid', badRowCount: 2_500 })
    const bad = badRowsOf(answer)
    expect([bad.length, bad[0], bad.at(-1)]).toEqual([1_000, '2502', '3501'])
    expect((await lots.list(lot)).statusCode).toBe(404)
  })

  it('of nothing is refused: an empty file must not let all devices in', async () => {
    const lot = await lots.openLot()
    for (const list of ['', 'thingName\n']) {
      const answer = await lots.put(lot, list)
      expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'devices_invalid'])
    }
    const answer = await lots.put(lot, '[]', { type: 'application/json' })
    expect(problemOf(answer).code).toBe('devices_invalid')
  })

  it('comes with its lot, and is the same again', async () => {
    const body = {
      id: 'inline',
      profile: 'things',
      quantity: 5,
      devices: [{ thingName: 'i-1' }, { thingName: 'i-2' }]
    }
    const as = service.as('operator')
    expect((await as.post('/v1/lots', body)).statusCode).toBe(201)
    expect((await as.post('/v1/lots', body)).statusCode).toBe(200)
    const other = await as.post('/v1/lots', { ...body, devices: [{ thingName: 'i-1' }] })
    expect(problemOf(other).code).toBe('lot_exists')
    expect(problemOf(await lots.issueIn('inline', { CommonName: 'i-3' })).code).toBe('device_not_expected')
    expect((await lots.issueIn('inline', { CommonName: 'i-2' })).statusCode).toBe(201)
    const devices = [{ thingName: 'i-1' }, { thingName: '' }, { thingName: 'i-1' }, 7]
    const bad = await as.post('/v1/lots', { ...body, id: 'bad-inline', devices })
    expect([bad.statusCode, problemOf(bad).code]).toEqual([400, 'request_invalid'])
    const worse = await as.post('/v1/lots', { ...body, id: 'bad-inline', devices: devices.slice(0, 3) })
    expect([worse.statusCode, problemOf(worse).violations?.map(({ pointer }) => pointer)]).toEqual([
      422,
      ['/devices/1/thingName', '/devices/2']
    ])
    expect((await as.get('/v1/lots/bad-inline')).statusCode).toBe(404)
  })

  it('keeps the devices that are made', async () => {
    const lot = await lots.openLot()
    const { id } = (await lots.issueIn(lot, { CommonName: 'made-1' })).json<{ id: string }>()
    const refused = await lots.put(lot, csvOf('made-2'))
    expect([refused.statusCode, problemOf(refused).code]).toEqual([409, 'devices_issued'])
    expect(refused.json<object>()).toMatchObject({
      missingDevices: [{ issuanceId: id, thingName: 'made-1' }]
    })
    expect((await lots.read(lot)).devices).toBeUndefined()
    const otherKey = await lots.put(lot, `thingName,spkiSha256\nmade-1,${'00'.repeat(32)}\n`)
    expect(problemOf(otherKey).code).toBe('devices_issued')
    expect((await lots.put(lot, csvOf('made-1', 'made-2'))).statusCode).toBe(200)
    // What is scrapped need not stay.
    await service.as('operator').post(`/v1/issuances/${id}/scrap`, { reason: 'cracked' })
    expect((await lots.put(lot, csvOf('made-2'))).statusCode).toBe(200)
  })

  it('is taken away by DELETE: the lot takes all again, until it is closed', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, csvOf('d-1'))
    const remove = () => service.as('operator').delete(`/v1/lots/${lot}/devices`)
    expect([(await remove()).statusCode, (await remove()).statusCode]).toEqual([204, 204])
    expect((await lots.issueIn(lot, { CommonName: 'd-2' })).statusCode).toBe(201)
    const events = await service.database.prisma.auditEvent.findMany({ where: { act: 'lot.devices' } })
    expect(events.filter(({ subject }) => subject === `lot/${lot}`)).toHaveLength(2)
    await lots.put(lot, csvOf('d-1', 'd-2'))
    await service.as('operator').post(`/v1/lots/${lot}/close`)
    for (const answer of [await remove(), await lots.put(lot, csvOf('d-2'))])
      expect(problemOf(answer).code).toBe('lot_closed')
  })

  it('that is put again as it is changes nothing', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, csvOf('same'))
    const { changedAt } = await lots.read(lot)
    expect((await lots.put(lot, csvOf('same'))).statusCode).toBe(200)
    expect((await lots.read(lot)).changedAt).toBe(changedAt)
  })

  it('is read page by page, by state, and as a stream with its end', async () => {
    const lot = await lots.openLot()
    const names = Array.from({ length: 25 }, (_, index) => `p-${index}`)
    await lots.put(lot, csvOf(...names))
    for (const name of ['p-3', 'p-20']) await lots.issueIn(lot, { CommonName: name })
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const page = (await lots.list(lot, `?state=outstanding&limit=10${cursor}`)).json<{
        items: { thingName: string }[]
        nextCursor?: string
      }>()
      seen.push(...page.items.map(({ thingName }) => thingName))
      if (page.nextCursor === undefined) break
      cursor = `&cursor=${page.nextCursor}`
    }
    expect(seen).toEqual(names.filter(name => name !== 'p-3' && name !== 'p-20'))
    const stream = await lots.list(lot, '?state=issued', { accept: 'application/x-ndjson' })
    const lines = stream.body
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { thingName?: string })
    expect(lines.map(line => line.thingName ?? line)).toEqual([
      'p-3',
      'p-20',
      { summary: { complete: true, devices: 2 } }
    ])
    const { nextCursor } = (await lots.list(lot, '?limit=10')).json<{ nextCursor: string }>()
    await lots.put(lot, csvOf('p-3', 'p-20'))
    const stale = await lots.list(lot, `?cursor=${nextCursor}`)
    expect([stale.statusCode, problemOf(stale).code]).toEqual([404, 'devices_not_found'])
  })

  it('is for operators alone, and in a form that is known', async () => {
    const lot = await lots.openLot()
    expect((await lots.put(lot, csvOf('x'), { role: 'auditor' })).statusCode).toBe(403)
    expect((await lots.put(lot, csvOf('x'), { type: 'application/xml' })).statusCode).toBe(415)
    expect((await lots.put('nowhere', csvOf('x'))).statusCode).toBe(404)
  })
})
