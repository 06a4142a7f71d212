import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pointersOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'

const secret = 'Eve of quality found it on a marketplace'
let service: HttpService
let ids: readonly string[]

beforeAll(async () => {
  service = await openService()
  const [held, scrapped, revoked] = [await service.issue(), await service.issue(), await service.issue()]
  const admin = service.as('admin')
  const answers = [
    await admin.post(`/v1/issuances/${held.id}/hold`, { note: secret }),
    await admin.post(`/v1/issuances/${scrapped.id}/scrap`, { reason: secret }),
    await admin.post(`/v1/issuances/${revoked.id}/revoke`, { reason: 'keyCompromise', note: secret })
  ]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
  ids = [held.id, scrapped.id, revoked.id]
})
afterAll(() => service.stop())

const urls = () => ['/v1/issuances', ...ids.map(id => `/v1/issuances/${id}`)]

describe('what a station reads of its certificates', () => {
  it('has that something was decided and when, but neither who did nor why', async () => {
    for (const accept of ['application/json', 'text/csv', 'application/x-ndjson']) {
      const ask = (role: 'station' | 'auditor') =>
        service.send({ url: '/v1/issuances', headers: { ...service.bearer(role), accept } })
      const [own, whole] = [(await ask('station')).body, (await ask('auditor')).body]
      for (const word of [
        secret,
        'admin/',
        'heldBy',
        'holdNote',
        'scrapReason',
        'revokedBy',
        'revocationNote'
      ]) {
        expect(own).not.toContain(word)
        expect(whole).toContain(word)
      }
      for (const word of ['heldAt', 'scrappedAt', 'revokedAt', 'keyCompromise']) expect(own).toContain(word)
    }
    for (const url of urls()) {
      expect((await service.as('station').get(url)).body).not.toMatch(/marketplace|admin\//)
      expect((await service.as('auditor').get(url)).body).toMatch(/marketplace/)
    }
  })

  it('is refused where its fields name such a member, which people are shown', async () => {
    const query = 'fields=revokedBy,heldAt,revocationNote'
    for (const url of urls()) {
      const answer = await service.as('station').get(`${url}?${query}`)
      expect([answer.statusCode, pointersOf(answer)]).toEqual([400, ['/query/fields', '/query/fields']])
      for (const role of ['auditor', 'operator', 'admin'] as const)
        expect((await service.as(role).get(`${url}?${query}`)).statusCode).toBe(200)
    }
  })
})
