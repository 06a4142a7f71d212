import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseRevocationList } from '../../../../src/pki/revocation/revocation-list.ts'
import { plantRevoked } from '../../../status/crl/making-crls.ts'
import { type HttpService, openService } from '../../service.ts'

let service: HttpService
const url = '/v1/authorities/starter-g1/crl'
beforeAll(async () => {
  service = await openService()
  await vi.waitFor(async () => expect((await service.send({ url })).statusCode).toBe(200), {
    timeout: 10_000
  })
})
afterAll(() => service.stop())

const readWith = (headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  service.send({ url, headers, method })
const isRevoked = (der: Uint8Array, serialNumber: string) =>
  parseRevocationList(der).revoked.has(serialNumber.toLowerCase())

describe('the CRL of a generation', () => {
  it('is for anybody, in DER, and may be kept for seconds', async () => {
    const { statusCode, headers, rawPayload } = await readWith()
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/pkix-crl',
      'content-length': String(rawPayload.length),
      'cache-control': 'public, max-age=5',
      vary: 'Accept'
    })
    expect(headers['last-modified']).toBe(parseRevocationList(rawPayload).thisUpdate.toUTCString())
  })

  it('has no delta where none are made, which is told', async () => {
    const { statusCode, body } = await service.send({ url: `${url}/delta` })
    expect(statusCode).toBe(404)
    expect(body).toContain('MINTLINE_CRL_DELTA_BASE_SECONDS')
    expect((await service.send({ url: '/v1/authorities/nobody/crl/delta' })).statusCode).toBe(404)
  })

  it('is PEM where that is asked for, and nothing else', async () => {
    const pem = await readWith({ accept: 'application/x-pem-file' })
    expect(pem.headers['content-type']).toMatch(/^application\/x-pem-file/)
    expect(pem.headers['content-length']).toBe(String(pem.rawPayload.length))
    const [, base64] = /^-----BEGIN X509 CRL-----\n([\s\S]+)\n-----END X509 CRL-----\n$/.exec(pem.body)!
    expect(base64!.split('\n').every(line => line.length <= 64)).toBe(true)
    const der = await readWith()
    expect(Buffer.from(base64!, 'base64')).toEqual(der.rawPayload)
    expect(pem.headers['etag']).not.toBe(der.headers['etag'])
    expect((await readWith({ accept: 'text/html' })).statusCode).toBe(406)
  })

  it('is not sent again to who has it', async () => {
    const { headers } = await readWith()
    const { etag, 'last-modified': modified } = headers as { etag: string; 'last-modified': string }
    const codeOf = async (asked: Readonly<Record<string, string>>) => (await readWith(asked)).statusCode
    expect(await codeOf({ 'if-none-match': etag })).toBe(304)
    expect(await codeOf({ 'if-none-match': `"other", W/${etag}` })).toBe(304)
    expect(await codeOf({ 'if-none-match': '"other"', 'if-modified-since': modified })).toBe(200)
    expect(await codeOf({ 'if-modified-since': modified })).toBe(304)
    expect(await codeOf({ 'if-modified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' })).toBe(200)
    expect(await codeOf({ 'if-modified-since': 'Wed, 01 Jan 2200 00:00:00 GMT' })).toBe(200)
    expect(await codeOf({ 'if-modified-since': 'junk' })).toBe(200)
  })

  it('is told of by HEAD', async () => {
    const got = await readWith()
    const { statusCode, headers, rawPayload } = await readWith({}, 'HEAD')
    expect([statusCode, rawPayload.length]).toEqual([200, 0])
    expect(headers).toMatchObject({
      etag: got.headers['etag']!,
      'content-length': got.headers['content-length']!
    })
  })

  it.each([
    ['nobody-g1', 404],
    ['starter', 404],
    ['starter-g2', 404],
    ['%00', 400],
    ['..%2f..%2fetc', 400],
    ['a'.repeat(300), 400]
  ])('of %s is none', async (name, status) => {
    expect((await service.send({ url: `/v1/authorities/${name}/crl` })).statusCode).toBe(status)
  })

  it('says within ten seconds what is revoked, and no more what is off hold', async () => {
    const [first, second] = [await service.issue(), await service.issue()]
    await service.as('admin').post(`/v1/issuances/${first.id}/revoke`, { reason: 'superseded', note: 'test' })
    await service.as('operator').post(`/v1/issuances/${second.id}/hold`, { note: 'test' })
    const within = { timeout: 10_000, interval: 200 }
    await vi.waitFor(async () => {
      const { rawPayload } = await readWith()
      expect(isRevoked(rawPayload, first.serialNumber) && isRevoked(rawPayload, second.serialNumber)).toBe(
        true
      )
    }, within)
    await service.as('operator').post(`/v1/issuances/${second.id}/unhold`, { note: 'test' })
    await vi.waitFor(async () => {
      const { rawPayload } = await readWith()
      expect([isRevoked(rawPayload, first.serialNumber), isRevoked(rawPayload, second.serialNumber)]).toEqual(
        [true, false]
      )
    }, within)
  })

  it('of many is made few times', async () => {
    const before = await service.database.prisma.crl.count()
    const records = await Promise.all(Array.from({ length: 40 }, () => service.issue()))
    for (const { id } of records)
      await service.as('admin').post(`/v1/issuances/${id}/revoke`, { reason: 'superseded', note: 'test' })
    await vi.waitFor(
      async () => {
        const { rawPayload } = await readWith()
        expect(records.filter(({ serialNumber }) => !isRevoked(rawPayload, serialNumber))).toEqual([])
      },
      { timeout: 10_000, interval: 200 }
    )
    expect((await service.database.prisma.crl.count()) - before).toBeLessThan(10)
  })

  it('of 40,000 comes in parts', async () => {
    const { id } = (await service.database.prisma.authority.findFirst())!
    await plantRevoked(service.owner, id, 40_000)
    await vi.waitFor(
      async () =>
        expect(parseRevocationList((await readWith()).rawPayload).revoked.size).toBeGreaterThan(40_000),
      { timeout: 20_000, interval: 500 }
    )
    const pem = await readWith({ accept: 'application/x-pem-file' })
    expect(pem.headers['content-length']).toBe(String(pem.rawPayload.length))
  })

  it('is measured, and watched', async () => {
    const metrics = (await service.send({ url: '/metrics' })).body
    expect(metrics).toMatch(/mintline_crl_entries\{authority="starter-g1"\} 4\d{4}\n/)
    for (const name of ['number', 'age_seconds', 'next_update_seconds', 'publication_lag_seconds'])
      expect(metrics).toMatch(new RegExp(`mintline_crl_${name}\\{authority="starter-g1"\\} \\d`))
    expect((await service.send({ url: '/readyz' })).json()).toMatchObject({ checks: { crls: { ok: true } } })
  })
})
