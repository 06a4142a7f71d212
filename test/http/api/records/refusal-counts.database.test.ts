import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRefusalCountStore } from '../../../../src/records/refusal-counts/refusal-count-store.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { type HttpService, openService } from '../../service.ts'

let service: HttpService
const count = 250
const ids: string[] = []

beforeAll(async () => {
  service = await openService()
  const createdAt = new Date()
  const counts = Array.from({ length: count }, (_, index) => {
    const id = newId(createdAt, size => randomBytes(size))
    ids.push(id)
    return {
      ...{ id, createdAt, windowStart: createdAt, lastAt: createdAt, count: index + 1 },
      ...({ reason: 'station_limit', station: '=1+1', code: 'csr_malformed' } as const),
      ...{ tokenId: null, profileName: null, refusalId: null }
    }
  })
  await createRefusalCountStore(service.database, service.database).insert(counts)
  ids.sort().reverse()
})
afterAll(() => service.stop())

const ask = (accept: string, query = '') =>
  fetch(`${service.url}/v1/refusal-counts${query}`, { headers: { ...service.bearer('auditor'), accept } })

describe('GET /v1/refusal-counts', () => {
  it('answers the whole list as CSV, without formulas', async () => {
    const answer = await ask('text/csv')
    const [header, ...rows] = (await answer.text()).trimEnd().split('\r\n')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="mintline-refusal-counts.csv"'
    )
    expect(header).toBe(
      'id,recordedAt,reason,station,tokenId,code,profile,issuanceId,count,windowStart,lastAt'
    )
    expect(rows.map(row => row.split(',')[0])).toEqual(ids)
    expect(new Set(rows.map(row => row.split(',')[3]))).toEqual(new Set([`'=1+1`]))
  })

  it('answers it as NDJSON, from a cursor on', async () => {
    const body = await (await ask('application/x-ndjson', `?limit=1&cursor=${ids[99]!}`)).text()
    const lines = body
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { readonly id: string })
    expect(lines.map(({ id }) => id)).toEqual(ids.slice(100))
  })
})
