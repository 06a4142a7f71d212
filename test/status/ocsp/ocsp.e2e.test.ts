import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemOf } from '../../http/answer.ts'
import { makeGeneration } from '../../http/generations.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { needs } from '../../support/needs/needs.ts'
import { makeRequest, openAsking } from './asking.ts'

let service: HttpService
let asking: ReturnType<typeof openAsking>
let authority: string
let certificate: string
let issued: { readonly id: string; readonly serialNumber: string }

const note = 'lost'

async function issueFile(name: string) {
  const made = await service.issue()
  return { ...made, path: asking.file(name, made.certificatePem) }
}

async function chainOf(generation: string): Promise<string> {
  const { body } = await service.send({ url: `/v1/authorities/${generation}/certificate` })
  return asking.file(`${generation}.pem`, body)
}

/** Answers are given again for five seconds, and no longer. */
const afterFresh = () => new Promise(resolve => setTimeout(resolve, 5_100))

function post(request: Uint8Array, generation = 'starter-g1') {
  return service.send({
    method: 'POST',
    url: `/v1/ocsp/${generation}`,
    headers: { 'content-type': 'application/ocsp-request' },
    payload: request
  })
}

const get = (request: Uint8Array, headers = {}) =>
  service.send({
    url: `/v1/ocsp/starter-g1/${encodeURIComponent(Buffer.from(request).toString('base64'))}`,
    headers
  })

/** OCSPResponseStatus of an answer without a signature. */
const statusOf = (der: Uint8Array) => (der.length === 5 ? der[4] : 0)

beforeAll(async () => {
  service = await openService({ MINTLINE_OCSP_VALIDITY_MINUTES: '10' })
  asking = openAsking(service.url)
  authority = await chainOf('starter-g1')
  const first = await issueFile('first.pem')
  issued = first
  certificate = first.path
})
afterAll(async () => {
  await service.stop()
  asking.close()
})

describe('openssl ocsp', needs('openssl'), () => {
  it.each([['-sha1'], ['-sha256']])('verifies a good answer to a CertID by %s, with a nonce', async hash => {
    const { status, output } = await asking.openssl('starter-g1', authority, [hash, '-cert', certificate])
    expect(output).toContain('Response verify OK')
    expect(output).toContain(`${certificate}: good`)
    expect(output).not.toMatch(/nonce/i)
    expect(status).toBe(0)
  })

  it('is told of a responder with nocheck, whose answer lasts as long as the setting says', async () => {
    const { output } = await asking.openssl('starter-g1', authority, ['-cert', certificate, '-resp_text'])
    expect(output).toContain('OCSP No Check')
    expect(output).toContain('OCSP Signing')
    const timeOf = (name: string) => Date.parse(new RegExp(`${name}: (.*)`).exec(output)![1]!)
    expect(timeOf('Next Update') - timeOf('This Update')).toBe(600_000)
    expect(timeOf('This Update')).toBe(timeOf('Produced At'))
  })

  it('is told of a certificate that is held, taken off hold and revoked, within ten seconds each', async () => {
    const { id, path } = await issueFile('held.pem')
    const ask = async () =>
      (await asking.openssl('starter-g1', authority, ['-no_nonce', '-cert', path])).output
    const admin = service.as('admin')
    expect(await ask()).toContain(': good')
    await admin.post(`/v1/issuances/${id}/hold`, { note })
    await afterFresh()
    expect(await ask()).toContain('Reason: certificateHold')
    await admin.post(`/v1/issuances/${id}/unhold`, { note })
    await afterFresh()
    expect(await ask()).toContain(': good')
    await admin.post(`/v1/issuances/${id}/revoke`, { reason: 'keyCompromise', note })
    await afterFresh()
    const revoked = await ask()
    expect(revoked).toContain(': revoked')
    expect(revoked).toContain('Reason: keyCompromise')
    const at = Date.parse(/Revocation Time: (.*)/.exec(revoked)![1]!)
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000)
  }, 60_000)

  it('is told at once by an answer with a nonce, and of several certificates in one', async () => {
    const [one, other] = [await issueFile('one.pem'), await issueFile('other.pem')]
    const invalidityDate = '2026-01-02T03:04:05Z'
    await service
      .as('admin')
      .post(`/v1/issuances/${one.id}/revoke`, { reason: 'unspecified', note, invalidityDate })
    const { output } = await asking.openssl('starter-g1', authority, ['-cert', one.path, '-cert', other.path])
    expect(output).toContain('Response verify OK')
    expect(output).toContain(`${one.path}: revoked`)
    expect(output).toContain(`${other.path}: good`)
    expect(output).not.toContain('Reason:')
  })

  it('is told unknown of a serial number that nobody issued, and of an intent without a certificate', async () => {
    const open = await service.leaveOpen()
    const { serialNumber } = await service.database.prisma.intent.findFirstOrThrow({ where: { id: open } })
    const serials = ['0x1234', `0x${Buffer.from(serialNumber).toString('hex')}`]
    for (const serial of serials) {
      const { output } = await asking.openssl('starter-g1', authority, ['-serial', serial])
      expect(output).toContain(`${serial}: unknown`)
    }
  })

  it('is told unknown of what another generation issued, and unauthorized of another issuer', async () => {
    const other = await makeGeneration(service, 'other', 'active')
    const otherFile = await chainOf(other)
    const serial = `0x${issued.serialNumber}`
    expect((await asking.openssl(other, otherFile, ['-serial', serial])).output).toContain(
      `${serial}: unknown`
    )
    expect((await asking.openssl('starter-g1', otherFile, ['-serial', serial])).output).toContain(
      'unauthorized'
    )
  })

  it('is answered for a generation that is retired, by its own key, and not for one that is compromised', async () => {
    const admin = service.as('admin')
    const old = await makeGeneration(service, 'ageing', 'retiring')
    const file = await chainOf(old)
    const ask = async () => (await asking.openssl(old, file, ['-serial', '0x77'])).output
    await admin.post(`/v1/authorities/${old}/retire`, { reason: note })
    expect(await ask()).toMatch(/Response verify OK[^]*0x77: unknown/)
    const lost = await makeGeneration(service, 'lost', 'active')
    const lostFile = await chainOf(lost)
    await admin.post(`/v1/authorities/${lost}/compromise`, { reason: note })
    expect((await asking.openssl(lost, lostFile, ['-serial', '0x77'])).output).toContain('unauthorized')
  })

  it('verifies an answer to GET, which caches may keep and ask after', async () => {
    const path = await makeRequest(asking, authority, ['-no_nonce', '-cert', certificate])
    const answered = await get(readFileSync(path))
    expect(answered.headers).toMatchObject({
      'content-type': 'application/ocsp-response',
      'cache-control': 'max-age=595, public, no-transform, must-revalidate'
    })
    const { expires, etag } = answered.headers as { expires: string; etag: string }
    expect(Date.parse(expires) - Date.parse(answered.headers['last-modified']!)).toBe(600_000)
    const response = asking.file('get.resp', answered.rawPayload)
    const args = [
      'ocsp',
      '-issuer',
      authority,
      '-cert',
      certificate,
      '-CAfile',
      authority,
      '-respin',
      response
    ]
    expect((await asking.run('openssl', args)).output).toMatch(/Response verify OK[^]*: good/)
    for (const known of [etag, `"other", W/${etag}`, '*'])
      expect((await get(readFileSync(path), { 'if-none-match': known })).statusCode).toBe(304)
    expect((await get(readFileSync(path), { 'if-none-match': '"other"' })).statusCode).toBe(200)
    const withNonce = await makeRequest(asking, authority, ['-cert', certificate])
    expect((await get(readFileSync(withNonce))).headers['cache-control']).toBe('no-store')
    const unknown = await makeRequest(asking, authority, ['-no_nonce', '-serial', '0x99'])
    expect((await get(readFileSync(unknown))).headers['cache-control']).toBe('no-store')
  })
})

it('GnuTLS ocsptool verifies an answer', needs('ocsptool', 'openssl'), async () => {
  const { status, output } = await asking.run('ocsptool', [
    ...[
      `--ask=${service.url}/v1/ocsp/starter-g1`,
      `--load-issuer=${authority}`,
      `--load-cert=${certificate}`
    ],
    ...[`--load-trust=${authority}`, '--nonce', '--verify-allow-broken']
  ])
  expect(output).toMatch(/Verifying OCSP Response: Success/)
  expect(output).toMatch(/Certificate Status: good/i)
  expect(status).toBe(0)
})

describe('what is no request', () => {
  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['an empty SEQUENCE', Buffer.from('3000', 'hex')],
    ['a length beyond the end', Buffer.from('3084ffffffff', 'hex')],
    ['8192 octets', Buffer.alloc(8_192, 0x30)]
  ])('is answered malformedRequest: %s', async (_name, payload) => {
    const answered = await post(Buffer.from(payload))
    expect(answered.statusCode).toBe(200)
    expect(answered.headers).toMatchObject({
      'content-type': 'application/ocsp-response',
      'cache-control': 'no-store'
    })
    expect(statusOf(answered.rawPayload)).toBe(1)
  })

  it.each([
    ['application/json', '{"a":1}'],
    ['application/json', '{'],
    ['text/plain', 'MAA='],
    ['application/octet-stream', '0']
  ])('is refused as %s: %s', async (type, payload) => {
    const answer = await service.send({
      method: 'POST',
      url: '/v1/ocsp/starter-g1',
      headers: { 'content-type': type },
      payload
    })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([415, 'media_type_unsupported'])
    expect(problemOf(answer).detail).toContain('application/ocsp-request')
  })

  it('is refused where HTTP refuses it', async () => {
    expect((await post(Buffer.alloc(9_000))).statusCode).toBe(413)
    expect((await post(Buffer.from('3000', 'hex'), 'nobody-g1')).statusCode).toBe(404)
    const got = await service.send({ url: '/v1/ocsp/starter-g1/%ff%00' })
    expect(got.statusCode).toBe(400)
    expect(statusOf((await service.send({ url: '/v1/ocsp/starter-g1/a/b+c=' })).rawPayload)).toBe(1)
  })
})

it('what the responders were certified for is on record, one of each generation', async () => {
  const { prisma } = service.database
  const rows = await prisma.ocspResponderIntent.findMany({ include: { responder: true, authority: true } })
  const names = rows.map(row => row.authority.name)
  expect(new Set(names).size).toBe(names.length)
  expect(rows.length).toBeGreaterThan(2)
  expect(rows.every(({ responder }) => responder !== null)).toBe(true)
  const metrics = (await service.send({ url: '/metrics' })).body
  expect(metrics).toMatch(/mintline_ocsp_answers_total\{outcome="good"\} \d/)
  expect(metrics).toMatch(/mintline_ocsp_responder_end_timestamp_seconds\{authority="starter-g1"\} \d/)
})
