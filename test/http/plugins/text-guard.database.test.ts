import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../src/http/api/issuances/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { type HttpService, openService, someSubject } from '../service.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const post = (url: string, role: 'station' | 'admin', payload: string) =>
  service.as(role).post(url, payload, { 'content-type': 'application/json' })

/** JSON text with raw escapes: what a client sends, not what JavaScript would write. */
const withMetadata = (text: string, csr = 'x') =>
  `{"csr":${JSON.stringify(csr)},"profile":"starter","metadata":{"fixture":"${text}"}}`
const profileNamed = (name: string, template: object) => JSON.stringify({ ...starterProfile, name, template })

async function countKept() {
  const { prisma } = service.database
  return [await service.countRecords(), await prisma.token.count(), await prisma.profileVersion.count()]
}

describe('text that cannot be kept', () => {
  it.each([
    [
      'a lone surrogate in a value',
      { url: '/v1/issuances', role: 'station', payload: withMetadata('\\ud800') },
      '/metadata/fixture'
    ],
    [
      'NUL in a token name',
      { url: '/v1/tokens', role: 'admin', payload: '{"role":"station","name":"a\\u0000b"}' },
      '/name'
    ],
    [
      'NUL deep in a document',
      { url: '/v1/profiles', role: 'admin', payload: profileNamed('deep', { a: [{ 'b/c': 'x\0' }] }) },
      '/template/a/0/b~1c'
    ],
    [
      'NUL in a name',
      { url: '/v1/profiles', role: 'admin', payload: profileNamed('named', { a: { 'x\0': 1 } }) },
      '/template/a'
    ]
  ] as const)('is refused with its place: %s', async (_, { url, role, payload }, pointer) => {
    const before = await countKept()
    const answer = await post(url, role, payload)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer)).toEqual([pointer])
    expect(await countKept()).toEqual(before)
  })

  it.each([
    ['thingName=%ff%fe', '/query/thingName'],
    ['thingName=%zz', '/query/thingName'],
    ['thingName=100%', '/query/thingName'],
    ['%ff=x', '/query']
  ])('is refused in a query: %s', async (query, pointer) => {
    const answer = await service.as('auditor').get(`/v1/issuances?${query}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual([pointer])
    expect((await service.as('auditor').get('/v1/issuances?thingName=a%2Bb+%C3%BC=1')).statusCode).toBe(200)
  })

  it('is left to whoever judges the CSR, so that the refusal is on record', async () => {
    const answer = await post('/v1/issuances', 'station', '{"csr":"x\\u0000\\ud800","profile":"starter"}')
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'csr_malformed'])
    const record = await service.as('auditor').get(problemOf(answer).instance!)
    const { csr } = record.json<{ csr: string }>()
    expect(Buffer.from(csr, 'base64').toString('hex')).toBe('7800efbfbd')
  })

  it('is refused in the query', async () => {
    const answer = await service.as('auditor').get('/v1/issuances?station=a%00b')
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer)).toEqual(['/query/station'])
  })

  it('does not take well-formed characters outside the basic plane for it', async () => {
    const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject()))
    const answer = await post('/v1/issuances', 'station', withMetadata('\\ud83d\\udd27', csr))
    expect(answer.statusCode).toBe(201)
    const record = await service.as('auditor').get(`/v1/issuances/${answer.json<Issuance>().id}`)
    expect(record.json()).toMatchObject({ metadata: { fixture: '🔧' } })
  })
})

describe('JSON that is nested too deeply', () => {
  it('is refused without walking down', async () => {
    const template = `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`
    const document = JSON.stringify({ ...starterProfile, template: null }).replace('null', template)
    const answer = await post('/v1/profiles', 'admin', document)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})

describe('a cursor', () => {
  it.each(['abc', '00000000-0000-0000-0000-00000000000g', "1' OR '1'='1"])('%s is refused', async cursor => {
    const answer = await service.as('auditor').get(`/v1/issuances?cursor=${encodeURIComponent(cursor)}`)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})
