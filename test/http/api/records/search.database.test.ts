import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { IssuancePageView } from '../../../../src/http/api/records/schemas.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'

let service: HttpService
let id: string

type Asker = 'auditor' | 'station' | 'operator' | 'admin'

const ask = (query: string, role: Asker = 'auditor') => service.as(role).get(`/v1/issuances?${query}`)

async function idsOf(query: string, role: Asker = 'auditor') {
  const answer = await ask(query, role)
  expect(answer.statusCode).toBe(200)
  return answer.json<IssuancePageView>().items.map(item => item.id)
}

/** Asks until something is found, and no longer than it may take. */
async function findWithin(milliseconds: number, query: string) {
  const end = performance.now() + milliseconds
  for (;;) {
    const ids = await idsOf(query)
    if (ids.length > 0 || performance.now() > end) return ids
    await delay(50)
  }
}

beforeAll(async () => {
  service = await openService()
  // The first of all: until then nothing is filled in.
  await vi.waitFor(async () => expect((await ask('state=issued')).statusCode).toBe(200), { timeout: 10_000 })
  const csr = makeCertificationRequest({ Country: 'DE', CommonName: 'sensor-000451' })
  id = (await service.issue(csr, { metadata: { fixture: 'F-12' } })).id
})

afterAll(() => service.stop())

describe('GET /v1/issuances', () => {
  it('finds a record by its common name within two seconds', async () => {
    expect(await findWithin(2_000, 'subject.CommonName=sensor-000451')).toEqual([id])
  })

  it.each([
    'subject.CommonName=sensor-*',
    'metadata=fixture:F-12',
    'metadata=fixture:F-*',
    'subject.CommonName=sensor-000451&metadata=fixture:F-12&station=starter&profileVersion=1&state=issued',
    'expiresAfter=2026-11-01&expiresBefore=2100-01-01',
    'reworked=false&outcome=issued'
  ])('finds it by %s', async query => {
    expect(await findWithin(2_000, query)).toEqual([id])
    expect(await idsOf(query, 'station')).toEqual([id])
  })

  it('finds it for an operator and an administrator, and for no display', async () => {
    const query = 'subject.CommonName=sensor-*&state=issued'
    await findWithin(2_000, query)
    for (const role of ['operator', 'admin'] as const) expect(await idsOf(query, role)).toEqual([id])
    const answer = await service.as('display').get(`/v1/issuances?${query}`)
    expect(problemOf(answer)).toMatchObject({ status: 403 })
  })

  it.each(['auditor', 'operator'])('finds for the role %s what is of the lines it is held to', async role => {
    const name = `of-${role}`
    const line = `line-of-${role}`
    const { post } = service.as('admin')
    await post('/v1/stations', { name, line, site: `Graz of ${role}`, profiles: ['starter'] })
    const bearerOf = async (token: object) => {
      const { secret } = (await post('/v1/tokens', token)).json<{ secret: string }>()
      return { authorization: `Bearer ${secret}` }
    }
    const headers = await bearerOf({ role: 'station', name, station: name })
    const payload = { csr: 'no CSR', profile: 'starter', metadata: { fixture: 'F-20' } }
    const refused = await service.send({ method: 'POST', url: '/v1/issuances', headers, payload })
    const { code } = problemOf(refused)
    const query = `metadata=fixture:F-20&station=${name}`
    const [own] = await findWithin(2_000, query)
    expect(own).toBeDefined()
    for (const [held, found] of [
      [line, [own]],
      ['other', []]
    ] as const) {
      const reader = await bearerOf({ role, name: `${role}-of-${held}`, lines: [held] })
      for (const each of [
        query,
        'metadata=fixture:F-2*',
        'state=refused',
        `code=${code}`,
        `line=${line}`,
        'site=Graz*'
      ]) {
        const answer = await service.send({ url: `/v1/issuances?${each}`, headers: reader })
        expect(
          answer.json<IssuancePageView>().items.map(item => item.id),
          each
        ).toEqual(found)
      }
    }
  })

  it('finds it by the id of its request, and with whatever else is asked for', async () => {
    const { requestId } = await service.database.prisma.intent.findUniqueOrThrow({ where: { id } })
    await findWithin(2_000, `requestId=${requestId}`)
    for (const query of ['', '&state=issued', '&subject.CommonName=sensor-*', '&from=2026-01-01'])
      expect(await idsOf(`requestId=${requestId}${query}`), query).toEqual([id])
    for (const query of ['&state=held', '&to=2026-01-01', '&subject.CommonName=gateway-*'])
      expect(await idsOf(`requestId=${requestId}${query}`), query).toEqual([])
    const refused = await service.as('station').post('/v1/issuances', { csr: 'no CSR', profile: 'starter' })
    const own = `requestId=${refused.headers['x-request-id']}`
    expect(await findWithin(4_000, own)).toEqual([problemOf(refused)['issuanceId']])
  })

  it('finds it by what it says itself', async () => {
    const { credential, spkiSha256 } = await service.database.prisma.intent
      .findUniqueOrThrow({ where: { id } })
      .then(row => ({
        credential: row.tokenId,
        spkiSha256: Buffer.from(row.spkiSha256).toString('hex').toUpperCase()
      }))
    expect(await findWithin(2_000, `credential=${credential}&spkiSha256=${spkiSha256}`)).toEqual([id])
  })

  it.each([
    'subject.CommonName=nobody',
    'subject.CommonName=SENSOR-000451',
    'metadata=fixture:F-13',
    'state=held',
    'line=A7',
    'lot=none',
    'reworked=true',
    'site=Graz',
    'requestId=another',
    'station=other&state=issued',
    'code=key_refused',
    'expiresBefore=2026-11-01'
  ])('does not find it by %s', async query => {
    expect(await idsOf(query)).toEqual([])
  })

  it.each([
    ['subject.CommonName=s*', '/query/subject.CommonName'],
    ['thingName=*', '/query/thingName'],
    ['metadata=fixture:*', '/query/metadata/0'],
    ['subject.CommonName=se*&metadata=fixture:F-*', '/query/subject.CommonName'],
    ['subject.CommonName=se*&metadata=x:y&metadata=fixture:F-*', '/query/metadata/1'],
    ['metadata=fixture', '/query/metadata/0'],
    ['thingName=%00%00', '/query/thingName'],
    [`thingName=${'x'.repeat(300)}`, '/query/thingName'],
    ['subject.Nickname=x', '/query/subject.Nickname'],
    ['requestId=ab*', '/query/requestId'],
    ['site=G*', '/query/site'],
    ['state=lost', '/query/state'],
    ['reworked=yes', '/query/reworked'],
    ['code=none', '/query/code'],
    ['credential=mine', '/query/credential'],
    ['spkiSha256=12', '/query/spkiSha256'],
    ['profileVersion=0', '/query/profileVersion'],
    ['expiresBefore=soon', '/query/expiresBefore'],
    [`thingName=ab*&cursor=018f0000-0000-7000-8000-000000000000`, '/query/cursor']
  ])('refuses %s', async (query, pointer) => {
    const answer = await ask(query)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer)).toContain(pointer)
  })
})
