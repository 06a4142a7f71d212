import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { make } from '../exports/exporting.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

/** Each route that takes a range of time, and the names of its ends. */
const ranges = [
  ['/v1/issuances?', 'from', 'to'],
  ['/v1/issuances?', 'expiresAfter', 'expiresBefore'],
  ['/v1/refusal-counts?', 'from', 'to'],
  ['/v1/audit-events?', 'from', 'to'],
  ['/v1/issuances/summary?by=outcome&', 'from', 'to']
] as const

const get = (url: string) => service.as('auditor').get(url)

describe('a range of time', () => {
  it.each(ranges)('of %s has nothing out of the calendar as %s and %s', async (path, first, last) => {
    for (const name of [first, last])
      for (const time of ['0000-01-01', '0000-01-01T00:00:00Z', '9999-12-31T23:45:00-01:00']) {
        const answer = await get(`${path}${name}=${time}`)
        expect([answer.statusCode, problemOf(answer).code], time).toEqual([400, 'request_invalid'])
        expect(pointersOf(answer)).toEqual([`/query/${name}`])
      }
  })

  it.each(ranges)('of %s is not the wrong way round, nor empty', async (path, first, last) => {
    for (const end of ['2026-11-23', '2026-11-24']) {
      const answer = await get(`${path}${first}=2026-11-24&${last}=${end}`)
      expect([answer.statusCode, problemOf(answer).code], end).toEqual([400, 'request_invalid'])
      expect(pointersOf(answer)).toEqual([`/query/${last}`])
    }
  })

  it.each(ranges)('of %s may be all there is', async (path, first, last) => {
    const answer = await get(`${path}${first}=0001-01-02&${last}=9999-12-31`)
    // What is searched by is not filled in yet.
    if (first === 'expiresAfter') expect([200, 503]).toContain(answer.statusCode)
    else expect(answer.statusCode).toBe(200)
  })
})

describe('a date', () => {
  const dayIn = (aheadHours: number, days = 0) =>
    new Date(Date.now() + (aheadHours + 24 * days) * 3_600_000).toISOString().slice(0, 10)
  // Where clocks are 26 hours apart it is never the same day.
  const today = { from: dayIn(14), to: dayIn(14, 1), zone: 'Pacific/Kiritimati' }
  const elsewhere = { ...today, zone: 'Etc/GMT+12' }

  it('is the day of the zone in lists, counts and files alike, so that rows add up', async () => {
    await service.issue()
    const { id } = await service.issue()
    const until = async () => (await get(`/v1/issuances/summary?by=outcome`)).json<{ total: number }>().total
    await expect.poll(until, { timeout: 60_000 }).toBe(2)
    const ask = async (filter: Readonly<Record<string, string>>) => {
      const range = new URLSearchParams(filter).toString()
      const items = async (path: string) =>
        (await get(`${path}?limit=200&${range}`)).json<{ items: object[] }>().items.length
      const asked = { of: 'issuances', format: 'ndjson', filter }
      return [
        await items('/v1/issuances'),
        (await get(`/v1/issuances/summary?by=day&${range}`)).json<{ total: number }>().total,
        (await make(service.as('auditor'), asked)).done.rows,
        (await items('/v1/audit-events')) > 0
      ]
    }
    expect(await ask(today)).toEqual([2, 2, 2, true])
    expect(await ask(elsewhere)).toEqual([0, 0, 0, false])
    const ends = await get(`/v1/issuances?expiresAfter=${dayIn(14)}&zone=Pacific/Kiritimati`)
    expect(ends.json<{ items: object[] }>().items).toContainEqual(expect.objectContaining({ id }))
  })

  it.each(['/v1/issuances', '/v1/audit-events', '/v1/refusal-counts'])(
    'of %s is of a zone that there is',
    async path => {
      const answer = await get(`${path}?from=2026-11-23&zone=Europe/Wien`)
      expect([answer.statusCode, pointersOf(answer)]).toEqual([400, ['/query/zone']])
      expect((await get(`${path}?from=2026-11-23&zone=Europe/Vienna`)).statusCode).toBe(200)
    }
  )
})

describe('a time in a body', () => {
  it.each([
    ['/v1/lots', 'opensAt'],
    ['/v1/lots', 'closesAt'],
    ['/v1/tokens', 'expiresAt'],
    ['/v1/fleet/findings/acknowledge', 'registeredBefore']
  ])('of %s is in the calendar as %s', async (path, name) => {
    const body = {
      '/v1/lots': { id: 'lot-t', profile: 'starter', quantity: 1 },
      '/v1/tokens': { role: 'auditor', name: 't' },
      '/v1/fleet/findings/acknowledge': { authority: 'starter-g1', note: 'n', dryRun: true }
    }[path]
    for (const time of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00', '2016-12-31T23:59:60Z']) {
      const answer = await service.as('admin').post(path, { ...body, [name]: time })
      expect([answer.statusCode, problemOf(answer).code], time).toEqual([400, 'request_invalid'])
      expect(pointersOf(answer)).toEqual([`/${name}`])
    }
  })
})
