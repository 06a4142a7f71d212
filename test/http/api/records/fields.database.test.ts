import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../../src/http/api/issuances/schemas.ts'
import { recordFields } from '../../../../src/http/api/records/schemas.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../../src/sources/random-bytes.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
let issued: Issuance
let refusedId: string

beforeAll(async () => {
  service = await openService()
  issued = await service.issue()
  const refused = await service.as('station').post('/v1/issuances', { csr: 'no CSR', profile: 'starter' })
  refusedId = problemOf(refused).issuanceId!
})
afterAll(() => service.stop())

const get = (url: string) => service.as('auditor').get(url)
const list = async (query: string) => (await get(`/v1/issuances?${query}`)).json<{ items: object[] }>().items

describe('fields', () => {
  it('leave the rest of a list out, also what only some records have', async () => {
    const { id, certificatePem, serialNumber } = issued
    expect(await list('fields=serialNumber,certificatePem,code')).toEqual([
      { id: refusedId, code: 'csr_malformed' },
      { id, serialNumber, certificatePem }
    ])
  })

  it('narrow a single record, which is whole without them', async () => {
    const { id, subject, chainPem } = issued
    expect((await get(`/v1/issuances/${id}?fields=subject,chainPem,subject`)).json()).toEqual({
      id,
      subject,
      chainPem
    })
    expect((await get(`/v1/issuances/${id}`)).json()).toMatchObject({
      chainPem,
      csr: expect.any(String) as string
    })
    expect((await get(`/v1/issuances/${refusedId}?fields=csr`)).json()).toMatchObject({ csr: 'bm8gQ1NS' })
  })

  it('can name each member that a record has, and give the whole of it', async () => {
    const whole = (await get(`/v1/issuances/${issued.id}`)).json<object>()
    const [, narrowed] = await list(`fields=${recordFields.join(',')}`)
    expect(narrowed).toEqual(whole)
    expect(await faultsOf('IssuanceSelection', narrowed)).toEqual([])
  })

  it('have the repeats of refusals in a list and in rows where they ask for them, and else not', async () => {
    const time = new Date()
    const lastAt = new Date(time.getTime() - 1_000)
    const shared = { reason: 'repeat', station: 'starter', code: 'csr_malformed', refusalId: refusedId }
    const times = { createdAt: time, windowStart: lastAt, lastAt }
    const randomBytes = createRandomSource()
    for (const count of [3, 4])
      await service.database.prisma.refusalCount.create({
        data: { ...shared, ...times, id: newId(time, randomBytes), count }
      })
    const repeats = { count: 7, lastAt: lastAt.toISOString() }
    expect(await list('fields=repeats')).toEqual([{ id: refusedId, repeats }, { id: issued.id }])
    expect(await list('fields=code')).toContainEqual({ id: refusedId, code: 'csr_malformed' })
    const headers = { ...service.bearer('auditor'), accept: 'text/csv' }
    const rows = await service.send({ url: '/v1/issuances?fields=repeats', headers })
    expect(rows.body).toContain('""count"":7')
    expect((await get(`/v1/issuances/${refusedId}`)).json()).toMatchObject({ repeats })
  })

  it('leave PEMs out of a list where they are not given, for a station as well', async () => {
    const answer = await service.as('station').get('/v1/issuances')
    expect(answer.body).not.toContain('BEGIN')
    expect(await faultsOf('IssuancePage', answer.json())).toEqual([])
    expect((await service.as('station').get('/v1/issuances?fields=csr,certificatePem')).body).toContain(
      'BEGIN CERTIFICATE'
    )
  })

  it.each([
    ['fields=serialnumber', 1],
    ['fields=__proto__,csrDer', 2],
    ['fields=', 1],
    ['fields=id,,csr', 1],
    [`fields=${'x'.repeat(2_001)}`, 1],
    ['fields=id&fields=csr', 1]
  ])('are refused where they name what there is not: %s', async (query, violations) => {
    for (const url of [`/v1/issuances?${query}`, `/v1/issuances/${issued.id}?${query}`]) {
      const answer = await get(url)
      expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
      expect(pointersOf(answer)).toEqual(Array.from({ length: violations }, () => '/query/fields'))
    }
  })

  it('say which there are', async () => {
    const { violations } = problemOf(await get('/v1/issuances?fields=pem'))
    expect(violations).toMatchObject([{ expected: recordFields.join(' | '), found: 'pem' }])
  })
})
