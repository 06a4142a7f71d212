import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IssuancePageView } from '../../../../src/http/api/records/schemas.ts'
import type { RecordReportView } from '../../../../src/http/api/reports/schemas.ts'
import { type HttpService, openService } from '../../service.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
  await service.owner.prisma.detachedMonth.createMany({
    data: ['2020-02', '2020-03', '2021-01'].map(month => ({
      month,
      detachedAt: new Date(),
      detachedBy: 'cli/test'
    }))
  })
  await service.issue()
})
afterAll(() => service.stop())

const get = (url: string, accept = '*/*') =>
  service.send({ url, headers: { ...service.bearer('auditor'), accept } })
const toldBy = async (url: string, accept?: string) => {
  const { statusCode, headers } = await get(url, accept)
  expect(statusCode).toBe(200)
  return headers['mintline-detached-months']
}
const all = '2021-01, 2020-03, 2020-02'

describe('months that are detached', () => {
  it.each(['application/json', 'text/csv', 'application/x-ndjson'])(
    'are told of lists and summaries as %s, where their range touches them',
    async accept => {
      for (const url of ['/v1/issuances?', '/v1/issuances/summary?by=state&']) {
        expect(await toldBy(url, accept)).toBe(all)
        expect(await toldBy(`${url}from=2020-03-15&to=2021-01-01`, accept)).toBe('2020-03')
        expect(await toldBy(`${url}from=2021-02-01`, accept)).toBeUndefined()
        expect(await toldBy(`${url}to=2020-02-01`, accept)).toBeUndefined()
      }
    }
  )

  it.each(['application/json', 'text/csv', 'text/html'])('are told of reports as %s', async accept => {
    expect(await toldBy('/v1/reports/day?date=2020-03-31', accept)).toBe('2020-03')
    expect(await toldBy('/v1/reports/day?date=2020-05-31', accept)).toBeUndefined()
  })

  it('stand in pages of JSON besides', async () => {
    const page = (await get('/v1/issuances')).json<IssuancePageView>()
    expect([page.items.length, page.detachedMonths]).toEqual([1, all.split(', ')])
    expect((await get('/v1/issuances?from=2022-01-01')).json<IssuancePageView>()).not.toHaveProperty(
      'detachedMonths'
    )
  })

  it('stand in reports, which are not complete, on paper as well, and in counts of refusals', async () => {
    const report = (date: string) => get(`/v1/reports/day?date=${date}`)
    const touched = (await report('2020-03-31')).json<RecordReportView>()
    expect(touched).toMatchObject({ complete: false, detachedMonths: ['2020-03'] })
    const other = (await report('2020-05-31')).json<RecordReportView>()
    expect([other.complete, other.detachedMonths]).toEqual([true, undefined])
    const page = await get('/v1/reports/day?date=2020-03-31', 'text/html')
    expect(page.body).toMatch(/Detached months:.*2020-03/)
    expect(page.body).not.toContain('Not complete')
    const csv = (await get('/v1/reports/day?date=2020-03-31', 'text/csv')).body
    expect(csv).toContain('countedUpTo,complete,station')

    const counts = await get('/v1/refusal-counts?to=2020-04-01')
    expect(counts.headers['mintline-detached-months']).toBe('2020-03, 2020-02')
    expect(counts.json()).toEqual({ items: [], detachedMonths: ['2020-03', '2020-02'] })
    expect((await get('/v1/refusal-counts?from=2022-01-01')).json()).not.toHaveProperty('detachedMonths')
  })

  it('answer for records of theirs: 409, and 404 for those of others', async () => {
    const { statusCode, ...answer } = await get('/v1/issuances/01709a00-0000-7000-8000-000000000000')
    expect(statusCode).toBe(409)
    expect(answer.json()).toMatchObject({ code: 'record_detached', month: '2020-03' })
    expect((await get('/v1/issuances/01809a00-0000-7000-8000-000000000000')).statusCode).toBe(404)
  })
})
