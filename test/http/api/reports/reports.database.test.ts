import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { IssuanceSummaryView } from '../../../../src/http/api/counts/schemas.ts'
import type { RecordReportView } from '../../../../src/http/api/reports/schemas.ts'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { countKeys, timeUnits } from '../../../../src/records/counts/count.ts'
import { createZone } from '../../../../src/sources/site/zone.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService, someSubject } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

const zone = createZone('Asia/Kathmandu')!
const line = '=A7+1'
let service: HttpService
/** Of the day on which all of it came. */
let date: string
let onLine: Awaited<ReturnType<typeof makeClient>>
let ofLine: Awaited<ReturnType<typeof makeClient>>
let ofOtherLine: Awaited<ReturnType<typeof makeClient>>

async function makeClient(token: object) {
  const made = await service.as('admin').post('/v1/tokens', token)
  const headers = { authorization: `Bearer ${made.json<{ secret: string }>().secret}` }
  return {
    get: (url: string, accept = '*/*') => service.send({ url, headers: { ...headers, accept } }),
    ask: (body: object) => service.send({ method: 'POST', url: '/v1/issuances', headers, payload: body })
  }
}

const csr = () => encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))
const get = (url: string, accept = '*/*') =>
  service.send({ url, headers: { ...service.bearer('auditor'), accept } })
const summary = async (query: string) =>
  (await get(`/v1/issuances/summary?${query}`)).json<IssuanceSummaryView>()
const report = async (query: string) => (await get(`/v1/reports/${query}`)).json<RecordReportView>()

beforeAll(async () => {
  service = await openService({
    MINTLINE_SITE_TIME_ZONE: zone.name,
    MINTLINE_SHIFTS: 'early=06:00,late=14:00,night=22:00'
  })
  const admin = service.as('admin')
  await admin.post('/v1/stations', { name: 'on-a7', line, site: 'Graz', profiles: ['*'] })
  await admin.post('/v1/lots', { id: 'lot-1', profile: 'starter', quantity: 9, stations: ['on-a7'] })
  onLine = await makeClient({ role: 'station', name: 'on-a7', station: 'on-a7' })
  ofLine = await makeClient({ role: 'operator', name: 'of-line', lines: [line] })
  ofOtherLine = await makeClient({ role: 'operator', name: 'of-other', lines: ['B2'] })
  // Midnight between two requests would spread them over two days.
  ;({ date } = zone.localOf(new Date()))
  for (let index = 0; index < 3; index += 1) await service.issue()
  await onLine.ask({ csr: csr(), profile: 'starter', lot: 'lot-1' })
  const made = await onLine.ask({ csr: csr(), profile: 'starter', lot: 'lot-1' })
  for (const bad of ['no CSR', 'nor this']) await onLine.ask({ csr: bad, profile: 'starter', lot: 'lot-1' })
  await service.leaveOpen()
  await admin.post(`/v1/issuances/${made.json<{ id: string }>().id}/scrap`, { reason: 'board is cracked' })
  // Filled in behind the records.
  await vi.waitFor(
    async () =>
      expect((await summary('by=state')).groups).toEqual([
        { state: 'issued', count: 4 },
        { state: 'refused', count: 2 },
        { state: 'revoked', count: 1 },
        { state: 'unknown', count: 1 }
      ]),
    { timeout: 20_000, interval: 200 }
  )
}, 60_000)
afterAll(() => service.stop())

describe('GET /v1/issuances/summary', () => {
  it.each(countKeys.filter(key => !(timeUnits as readonly string[]).includes(key)))(
    'counts by %s what it counts of each value that it answers',
    async key => {
      const { groups } = await summary(`by=${key}`)
      const values = (groups as Record<string, string | number>[]).filter(group => key in group)
      expect(values.length).toBeGreaterThan(0)
      for (const { [key]: value, count } of values)
        expect(await summary(`by=outcome&${key}=${encodeURIComponent(value!)}`)).toMatchObject({
          total: count
        })
    }
  )

  it('answers hours as from takes them', async () => {
    const { groups } = await summary('by=hour')
    const [{ hour }] = groups as unknown as [{ hour: string }]
    const since = await get(`/v1/issuances/summary?by=outcome&from=${encodeURIComponent(hour)}`)
    expect([since.statusCode, since.json<IssuanceSummaryView>().total]).toEqual([
      200,
      (await summary('by=outcome')).total
    ])
  })

  it('counts by days of the site, or of another zone, as the schema says', async () => {
    const answer = await get('/v1/issuances/summary?by=day,line,outcome')
    const view = answer.json<IssuanceSummaryView>()
    expect(view).toMatchObject({ by: ['day', 'line', 'outcome'], zone: zone.name, total: 8 })
    expect(view.groups).toEqual([
      { day: date, line, outcome: 'issued', count: 2 },
      { day: date, line, outcome: 'rejected', count: 2 },
      { day: date, outcome: 'issued', count: 3 },
      { day: date, outcome: 'unknown', count: 1 }
    ])
    expect(Date.parse(view.countedUpTo!)).toBeGreaterThan(Date.now() - 300_000)
    expect(await faultsOf('IssuanceSummary', view)).toEqual([])
    const days = new Set(
      (await summary('by=day&zone=Pacific/Niue')).groups.map(group => (group as { day?: string }).day)
    )
    expect([...days]).toEqual([createZone('Pacific/Niue')!.localOf(new Date()).date])
  })

  it('takes dates as those of the zone', async () => {
    expect(await summary(`by=outcome&from=${date}`)).toMatchObject({
      total: 8,
      from: expect.stringMatching(/T18:15:00.000Z$/) as string
    })
    expect(await summary(`by=outcome&to=${date}`)).toMatchObject({ total: 0, groups: [] })
  })

  it('comes as CSV without formulas and as NDJSON', async () => {
    const csv = await get('/v1/issuances/summary?by=line,code', 'text/csv')
    expect(csv.body).toBe(`line,code,count\r\n'${line},csr_malformed,2\r\n'${line},,2\r\n,,4\r\n`)
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="mintline-summary.csv"'
    })
    expect((await get('/v1/issuances/summary?by=line', 'text/csv;header=foo')).statusCode).toBe(406)
    const ndjson = await get('/v1/issuances/summary?by=line,code', 'application/x-ndjson')
    expect(
      ndjson.body
        .trimEnd()
        .split('\n')
        .map(row => JSON.parse(row) as object)
    ).toEqual([{ line, code: 'csr_malformed', count: 2 }, { line, count: 2 }, { count: 4 }])
    expect((await get('/v1/issuances/summary?by=line', 'application/pdf')).statusCode).toBe(406)
  })

  it('counts for a station what it asked for itself, and for others what is of their lines', async () => {
    const by = '/v1/issuances/summary?by=station'
    expect((await onLine.get(by)).json()).toMatchObject({ groups: [{ station: 'on-a7', count: 4 }] })
    expect((await onLine.get(`${by}&station=starter`)).json()).toMatchObject({ total: 0, groups: [] })
    expect((await ofLine.get(by)).json()).toMatchObject({ groups: [{ station: 'on-a7', count: 4 }] })
    expect((await ofLine.get(`${by}&line=B2`)).json()).toMatchObject({ groups: [] })
    expect((await ofOtherLine.get(by)).json()).toMatchObject({ groups: [] })
  })

  it.each([
    ['', ['/query/by']],
    ['by=', ['/query/by']],
    ['by=days', ['/query/by']],
    ['by=day,hour', ['/query/by']],
    ['by=station,line,site,lot,code', ['/query/by']],
    ['by=constructor,__proto__', ['/query/by', '/query/by']],
    ['by=day&zone=Mars', ['/query/zone']],
    ['by=day&zone=%2B01:00', ['/query/zone']],
    ['by=day&from=2026-11-23T08:37:00Z', ['/query/from']],
    ['by=day&to=2026-11-23T08:30:00.001Z', ['/query/to']],
    ['by=day&to=yesterday', ['/query/to']],
    ['by=day&from=0000-01-01', ['/query/from']],
    ['by=day&from=0000-01-01T00:00:00Z', ['/query/from']],
    ['by=day&zone=UTC&from=0001-01-01T00:00:00%2B01:00', ['/query/from']],
    ['by=day&to=9999-12-31T23:45:00-01:00', ['/query/to']],
    ['by=day&from=2026-11-24&to=2026-11-23', ['/query/to']],
    ['by=day&from=2026-11-23&to=2026-11-23', ['/query/to']],
    ['by=day&outcome=lost', ['/query/outcome']],
    ['by=day&code=none', ['/query/code']],
    ['by=day&limit=5', ['/query/limit']]
  ])('refuses %s', async (query, pointers) => {
    const answer = await get(`/v1/issuances/summary?${query}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
  })

  it('names the quarters of an hour beside a time that is none', async () => {
    const { violations } = problemOf(
      await get('/v1/issuances/summary?by=day&from=2026-11-23T08:37:12%2B01:00')
    )
    expect(violations).toMatchObject([
      { found: '2026-11-23T08:37:12+01:00', message: 'Take 2026-11-23T07:30:00Z or 2026-11-23T07:45:00Z.' }
    ])
  })
})

describe('GET /v1/reports', () => {
  const counts = { issued: 5, reworked: 0, scrapped: 1, refused: 2, unrecorded: 0, void: 0, unknown: 1 }

  it('says what came of a day, in UTC and by the clocks of the site', async () => {
    const view = await report(`day?date=${date}`)
    expect(view).toMatchObject({
      report: 'day',
      date,
      zone: zone.name,
      from: expect.stringMatching(/T18:15:00.000Z$/) as string,
      fromLocal: `${date}T00:00:00+05:45`,
      complete: false,
      totals: counts
    })
    expect(view.totals.reasons).toMatchObject([{ code: 'csr_malformed', count: 2 }])
    expect(view.stations.map(({ station, issued }) => [station, issued])).toEqual([
      ['on-a7', 2],
      ['starter', 3]
    ])
    expect(await faultsOf('RecordReport', view)).toEqual([])
  })

  it('says what came of shifts, which are the day together', async () => {
    const before = new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)
    const shifts = [
      await report(`shift?date=${before}&shift=night`),
      ...(await Promise.all(
        ['early', 'late', 'night'].map(shift => report(`shift?date=${date}&shift=${shift}`))
      ))
    ]
    expect(shifts[0]).toMatchObject({
      fromLocal: `${before}T22:00:00+05:45`,
      toLocal: `${date}T06:00:00+05:45`
    })
    expect(shifts.reduce((sum, { totals }) => sum + totals.issued, 0)).toBe(5)
    expect(shifts.reduce((sum, { totals }) => sum + totals.scrapped, 0)).toBe(1)
  })

  it('says what came of a lot, and of a station', async () => {
    const ofLot = await report('lot?lot=lot-1')
    expect(ofLot).toMatchObject({ lot: 'lot-1', totals: { issued: 2, scrapped: 1, refused: 2, unknown: 0 } })
    expect(ofLot).not.toHaveProperty('from')
    const to = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
    const ofStation = await report(`station?station=starter&from=${date}&to=${to}`)
    expect(ofStation).toMatchObject({
      station: 'starter',
      totals: { issued: 3, scrapped: 0, refused: 0, unknown: 1 }
    })
    expect(Object.keys(ofStation.totals)).toContain('firstAt')
    expect(ofStation.stations).toHaveLength(1)
  })

  it('is complete where its time is over and counted', async () => {
    expect(await report('day?date=2026-01-01')).toMatchObject({
      complete: true,
      stations: [],
      totals: { issued: 0 }
    })
  })

  it('comes as CSV, with a column for each reason', async () => {
    const { body } = await get(`/v1/reports/day?date=${date}`, 'text/csv')
    const [header, ...rows] = body.trimEnd().split('\r\n')
    expect(header).toBe(
      'report,date,shift,lot,from,to,zone,countedUpTo,complete,station,issued,reworked,scrapped,refused,unrecorded,void,unknown,firstAt,lastAt,refused.csr_malformed'
    )
    expect(rows.map(row => row.split(',').slice(9, 17).join())).toEqual([
      'on-a7,2,0,1,2,0,0,0',
      'starter,3,0,0,0,0,0,1'
    ])
    expect(rows.map(row => row.split(',').at(-1))).toEqual(['2', '0'])
  })

  it('comes as a page that runs and loads nothing', async () => {
    const answer = await get('/v1/reports/lot?lot=lot-1', 'text/html')
    expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', vary: 'Accept' })
    expect(answer.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+='; /
    )
    expect(answer.body).toContain('auditor/starter-auditor')
    expect(answer.body).not.toMatch(/<script|<link|<img|style="|href=|src=/)
    expect((await get('/v1/reports/lot?lot=lot-1', 'image/png')).statusCode).toBe(406)
  })

  it('is of the lines alone to which somebody is held', async () => {
    expect((await ofLine.get(`/v1/reports/day?date=${date}`)).json()).toMatchObject({
      totals: { ...counts, issued: 2, unknown: 0, reasons: [{ count: 2 }] },
      stations: [{ station: 'on-a7' }]
    })
    expect((await ofLine.get('/v1/reports/lot?lot=lot-1')).statusCode).toBe(200)
    expect((await ofOtherLine.get(`/v1/reports/day?date=${date}`)).json()).toMatchObject({ stations: [] })
    const lot = await ofOtherLine.get('/v1/reports/lot?lot=lot-1')
    expect([lot.statusCode, problemOf(lot).code]).toEqual([404, 'lot_not_found'])
    // Whether there is the lot, or the station, is not for them to know.
    const none = await ofOtherLine.get('/v1/reports/lot?lot=lot-2')
    expect(problemOf(none).detail).toBe(problemOf(lot).detail.replaceAll('lot-1', 'lot-2'))
    expect(problemOf(none).detail).toContain('/v1/issuances?lot=')
    const range = 'from=2026-01-01&to=2099-01-01'
    const told = []
    for (const station of ['on-a7', 'nobody']) {
      const answer = await ofOtherLine.get(`/v1/reports/station?station=${station}&${range}`)
      told.push([answer.statusCode, problemOf(answer).code, problemOf(answer).detail.replace(station, 'X')])
    }
    expect(told[0]).toEqual([404, 'station_not_found', told[1]![2]])
    expect(told[1]).toEqual(told[0])
    // One of theirs that has made nothing has a report, which says so.
    expect(
      (await ofLine.get('/v1/reports/station?station=on-a7&from=2025-01-01&to=2025-01-02')).json()
    ).toMatchObject({
      totals: { issued: 0 },
      stations: []
    })
  })

  it('is a station its own alone', async () => {
    const range = 'from=2026-01-01&to=2099-01-01'
    expect((await onLine.get(`/v1/reports/station?station=on-a7&${range}`)).json()).toMatchObject({
      totals: { issued: 2, refused: 2 }
    })
    for (const name of ['starter', 'nobody']) {
      const other = await onLine.get(`/v1/reports/station?station=${name}&${range}`)
      expect([other.statusCode, problemOf(other).code]).toEqual([404, 'station_not_found'])
    }
    expect((await onLine.get(`/v1/reports/day?date=${date}`)).statusCode).toBe(403)
  })

  it.each([
    ['day', 400, 'request_invalid'],
    ['day?date=2026-02-30', 400, 'request_invalid'],
    ['day?date=1999-12-31', 400, 'request_invalid'],
    ['day?date=2026-11-23T00:00:00Z', 400, 'request_invalid'],
    ['shift?date=2026-11-23', 400, 'request_invalid'],
    ['shift?date=2026-11-23&shift=noon', 404, 'shift_not_found'],
    ['lot?lot=nowhere', 404, 'lot_not_found'],
    ['station?station=nobody&from=2026-11-23&to=2026-11-24', 404, 'station_not_found'],
    ['station?station=starter&from=2026-11-23', 400, 'request_invalid'],
    ['station?station=starter&from=2026-11-23T08:01:00Z&to=2026-11-24', 400, 'request_invalid'],
    ['station?station=starter&from=0000-01-01&to=2026-11-24', 400, 'request_invalid'],
    ['station?station=starter&from=2026-11-24&to=2026-11-23', 400, 'request_invalid'],
    ['station?station=starter&from=2026-11-24&to=2026-11-24', 400, 'request_invalid'],
    ['month?month=2026-11', 404, 'route_not_found']
  ])('refuses %s', async (path, status, code) => {
    const answer = await get(`/v1/reports/${path}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
  })

  it('is answered or told to come back where a hundred ask at once, and goes on', async () => {
    const ask = (index: number) =>
      get(index % 2 === 0 ? `/v1/reports/day?date=${date}` : '/v1/issuances/summary?by=day,station')
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(index)))
    const answered = answers.filter(({ statusCode }) => statusCode === 200)
    expect(answered.length).toBeGreaterThan(20)
    for (const answer of answers.filter(each => !answered.includes(each)))
      expect([problemOf(answer).code, answer.headers['retry-after']]).toBeOneOf([
        ['database_unavailable', '2'],
        ['overloaded', '5']
      ])
    expect(
      new Set(
        answered.filter(({ body }) => body.includes('"groups"')).map(({ body }) => body.split('"groups"')[1])
      ).size
    ).toBe(1)
    expect((await ask(0)).statusCode).toBe(200)
  }, 30_000)
})
