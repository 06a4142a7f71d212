import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, hash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { blocksPerMinute } from '../../../src/issuance/refusals/disclosures/disclosure.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { needs } from '../../support/needs/needs.ts'
import { startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { problemOf } from '../answer.ts'
import { type HttpService, openService } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

let service: HttpService
let desk: TemporaryDirectory

const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: desk.path, stdio: 'pipe' })
const read = (name: string) => readFileSync(join(desk.path, name))
const text = (name: string) => read(name).toString()

beforeAll(async () => {
  desk = await createTemporaryDirectory()
  service = await openService()
})
afterAll(async () => {
  await service.stop()
  await desk.remove()
})

let devices = 0

/** Another key and its CSR for each test, as openssl makes them. */
beforeEach(() => {
  devices += 1
  openssl(
    ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', 'device.key', '-out', 'device.csr', '-subj', `/C=DE/CN=device-${devices}`]
  )
  openssl('ec', '-in', 'device.key', '-out', 'sec1.key')
  openssl('pkey', '-in', 'device.key', '-outform', 'DER', '-out', 'device.der')
  openssl('req', '-in', 'device.csr', '-outform', 'DER', '-out', 'csr.der')
  openssl('pkcs8', '-topk8', '-in', 'device.key', '-passout', 'pass:secret', '-out', 'encrypted.key')
})

const fingerprint = () => hash('sha256', openssl('pkey', '-in', 'device.key', '-pubout', '-outform', 'DER'))
const file = { 'content-type': 'application/pkcs10' }
const json = { 'content-type': 'application/json' }
const issue = (body: string | Uint8Array, headers = file) =>
  service.as('station').post('/v1/issuances?profile=starter', body, headers)
const issueJson = (body: object) => service.as('station').post('/v1/issuances', body)

/** A key as short as its DER can be: SEC 1 (RFC 5915) without its point. */
function makeBareKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url')
  const head = Buffer.from('30310201010420', 'hex')
  const curve = Buffer.from('a00a06082a8648ce3d030107', 'hex')
  return {
    der: Buffer.concat([head, scalar, curve]),
    spkiSha256: hash('sha256', publicKey.export({ type: 'spki', format: 'der' }))
  }
}

/** The octets that only the private key has, in each form in which they may lie somewhere. */
function secretForms(): readonly string[] {
  const printed = openssl('pkey', '-in', 'device.key', '-text', '-noout').toString()
  const hex = /priv:([\s0-9a-f:]+)pub:/.exec(printed)![1]!.replace(/[\s:]/g, '').slice(-60)
  const lines = [...text('device.key').split('\n'), ...text('sec1.key').split('\n')]
  const base64 = lines.filter(line => line.length === 64)
  const inner = read('device.der').toString('base64')
  return [hex, ...base64, inner.slice(44, 84), Buffer.from(text('device.key')).toString('hex').slice(60, 200)]
}

/** All that the database holds, as text with octets in hexadecimal. */
async function dumpDatabase(): Promise<string> {
  const client = new pg.Client({ connectionString: service.connectionString })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    const contents = []
    for (const { name } of tables) {
      contents.push(JSON.stringify((await client.query(`SELECT t::text FROM ${name} AS t`)).rows))
    }
    return contents.join('\n')
  } finally {
    await client.end()
  }
}

async function expectForgotten(answer: { readonly body: string }): Promise<void> {
  const kept = `${await dumpDatabase()}\n${answer.body}`
  for (const secret of secretForms()) expect(kept).not.toContain(secret)
}

it('nothing of a private key is logged, at whatever level', needs('openssl'), async () => {
  await using data = await createTemporaryDirectory()
  await using test = await createTestDatabase()
  const environment = { DATABASE_URL: test.connectionString, MINTLINE_LOG_LEVEL: 'trace' }
  const logging = await startServiceProcess(data.path, environment)
  try {
    const [station, admin] = [await logging.token('station'), await logging.token('admin')]
    const post = (path: string, body: string, type: string) =>
      fetch(`${logging.url}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${path.startsWith('/v1/p') ? admin : station}`,
          'content-type': type
        },
        body
      })
    const json = 'application/json'
    const answers = [
      await post('/v1/issuances?profile=starter', text('device.key'), 'application/pkcs10'),
      await post('/v1/issuances', text('device.key'), json),
      await post('/v1/profiles', JSON.stringify(profileWith(text('device.key'))), json),
      await post(
        `/v1/issuances?metadata=k:${encodeURIComponent(text('device.key'))}`,
        '',
        'application/pkcs10'
      )
    ]
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422, 422])
    expect(logging.output()).toContain('key_blocked')
    for (const secret of secretForms()) expect(logging.output()).not.toContain(secret)
  } finally {
    await logging.end('SIGTERM')
  }
})

const profileWith = (value: string) => ({
  ...starterProfile,
  template: { ...starterProfile.template, Note: value }
})

const chainUrl = '/v1/authorities/starter-g1/certificate'
const previewUrl = '/v1/profiles/starter/preview'

interface Sibling {
  readonly url: string
  readonly role?: 'station'
  readonly payload: () => string | object
  readonly type?: string
}

describe('a private key that is posted', needs('openssl'), () => {
  it.each<[string, () => ReturnType<typeof issue>]>([
    ['instead of the CSR', () => issue(read('device.key'))],
    ['instead of the CSR, SEC 1', () => issue(read('sec1.key'))],
    ['instead of the CSR, DER', () => issue(read('device.der'))],
    ['beside the CSR', () => issue(text('device.csr') + text('device.key'))],
    ['beside the CSR, DER', () => issue(Buffer.concat([read('csr.der'), read('device.der')]))],
    [
      'as curl sends it that was not told',
      () => issue(text('device.key'), { 'content-type': 'application/x-www-form-urlencoded' })
    ],
    ['in JSON', () => issueJson({ profile: 'starter', csr: text('device.key') })],
    [
      'in JSON as base64 of DER',
      () => issueJson({ profile: 'starter', csr: read('device.der').toString('base64') })
    ],
    [
      'beside the CSR in JSON',
      () => issueJson({ profile: 'starter', csr: text('device.csr'), key: text('device.key') })
    ],
    [
      'as metadata',
      () =>
        issueJson({
          profile: 'starter',
          csr: text('device.csr'),
          metadata: { key: read('device.der').toString('base64') }
        })
    ],
    ['in JSON without a profile', () => issueJson({ csr: text('device.key') })],
    ['in JSON that is none', () => issue(`{"csr": "${text('device.key')}"}`, json)],
    ['as a file where JSON was announced', () => issue(text('device.key'), json)],
    [
      'in the query',
      () =>
        service
          .as('station')
          .post(
            `/v1/issuances?profile=starter&metadata=key:${encodeURIComponent(read('device.der').toString('base64'))}`,
            text('device.csr'),
            file
          )
    ]
  ])('is refused, forgotten and blocked: %s', async (_name, send) => {
    const answer = await send()
    const problem = problemOf(answer)
    expect(problem).toMatchObject({
      status: 422,
      code: 'key_blocked',
      blockedReason: 'key_disclosed',
      spkiSha256: [fingerprint()]
    })
    expect(await faultsOf('Problem', problem)).toEqual([])
    await expectForgotten(answer)

    const record = await service.as('auditor').get(problem.instance!)
    expect(record.json()).toMatchObject({
      outcome: 'rejected',
      code: 'key_blocked',
      withheld: 'private_key',
      bodyLength: expect.any(Number) as number,
      bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      metadata: {}
    })
    expect(record.json()).not.toHaveProperty('csr')
    expect(await faultsOf('IssuanceEntry', record.json())).toEqual([])

    const later = problemOf(await issue(read('device.csr')))
    expect(later).toMatchObject({ status: 422, code: 'key_blocked', blockedReason: 'key_disclosed' })
    const listed = await service.as('auditor').get(`/v1/blocked-keys/${fingerprint()}`)
    expect(listed.json()).toMatchObject({ reason: 'key_disclosed', blockedBy: 'station/starter' })
  })

  it('is forgotten also where it is encrypted; the CSR beside it only seems to say which key it is', async () => {
    const alone = await issue(read('encrypted.key'))
    expect(problemOf(alone)).toMatchObject({ code: 'key_blocked', spkiSha256: [] })
    const unknown = 'does not tell its public key, so that it could not be blocked'
    expect(problemOf(alone).detail).toContain(unknown)
    const record = await service.as('auditor').get(problemOf(alone).instance!)
    expect(record.json()).toMatchObject({ withheld: 'private_key' })
    expect(await dumpDatabase()).not.toContain(read('encrypted.key').toString('hex').slice(100, 200))
    expect((await issue(read('device.csr'))).statusCode).toBe(201)

    openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'other.key',
      '-out',
      'other.csr',
      '-subj',
      '/C=DE/CN=x'
    )
    openssl('pkcs8', '-topk8', '-in', 'other.key', '-passout', 'pass:secret', '-out', 'other.enc')
    const beside = problemOf(await issue(text('other.enc') + text('other.csr')))
    const own = hash('sha256', openssl('pkey', '-in', 'other.key', '-pubout', '-outform', 'DER'))
    expect(beside).toMatchObject({ code: 'key_blocked', spkiSha256: [], notBlockedSpkiSha256: [own] })
    const onRecord = (await service.as('auditor').get(beside.instance!)).json<{ detail: string }>()
    expect(onRecord.detail).toContain(`${own}: an administrator does that with POST /v1/blocked-keys`)
    expect(onRecord.detail).not.toContain(unknown)
    expect(await faultsOf('Problem', beside)).toEqual([])
    // Whoever has the CSR could send this, and block the key for ever.
    expect((await issue(read('other.csr'))).statusCode).toBe(201)
    const byHand = { spkiSha256: own, reason: 'key_disclosed' }
    expect((await service.as('admin').post('/v1/blocked-keys', byHand)).statusCode).toBe(201)
    expect(problemOf(await issue(read('other.csr'))).code).toBe('key_blocked')
  })

  it('is forgotten where it is encrypted beside a CSR with a wrong signature, which says nothing of it', async () => {
    const csr = read('csr.der')
    const forged = csr.with(-1, csr.at(-1)! ^ 1)
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(forged).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    const problem = problemOf(await issue(text('encrypted.key') + pem))
    expect(problem).toMatchObject({ status: 422, code: 'key_blocked', spkiSha256: [] })
    expect(problem).not.toHaveProperty('notBlockedSpkiSha256')
    expect(problem.detail).toContain('does not tell its public key')
  })

  it('in a PKCS#12 file is told as that, as a file, in JSON and as the chain of an authority', async () => {
    openssl(
      ...['pkcs12', '-export', '-inkey', 'device.key', '-nocerts', '-passout', 'pass:secret'],
      ...['-out', 'store.p12']
    )
    const csr = read('store.p12').toString('base64')
    const chain = { 'content-type': 'application/pem-certificate-chain' }
    const url = '/v1/authorities/starter-g1/certificate'
    for (const answer of [
      await issue(read('store.p12')),
      await issueJson({ csr, profile: 'starter' }),
      await service.as('admin').post(url, read('store.p12'), chain)
    ]) {
      expect(problemOf(answer)).toMatchObject({ status: 422, code: 'key_blocked' })
      expect(problemOf(answer).detail).toContain('PKCS#12')
    }
    expect(problemOf(await issue(read('encrypted.key'))).detail).not.toContain('PKCS#12')
  })

  it('beside the public half of a CA does not block the CA', async () => {
    const bundle = await service.send({ url: '/v1/trust-bundle' })
    const spki = new X509Certificate(bundle.rawPayload).publicKey.export({ type: 'spki', format: 'der' })
    const forged = openssl('ec', '-in', 'device.key', '-outform', 'DER')
    spki.subarray(-65).copy(forged, forged.length - 65)
    const problem = problemOf(await issue(forged))
    expect(problem).toMatchObject({ code: 'key_blocked', spkiSha256: [fingerprint()] })
    const listed = await service.as('admin').get(`/v1/blocked-keys/${hash('sha256', spki)}`)
    expect(listed.statusCode).toBe(404)
  })

  it.each([101, 1_200])('is blocked with all the others of its file: %s', async count => {
    const keys = Array.from({ length: count }, makeBareKey)
    const problem = problemOf(await issue(Buffer.concat(keys.map(({ der }) => der))))
    expect(problem['spkiSha256']).toHaveLength(100)
    expect(problem['spkiSha256Omitted']).toBe(count - 100)
    expect(problem).not.toHaveProperty('notBlockedSpkiSha256')
    const digests = keys.map(({ spkiSha256 }) => new Uint8Array(Buffer.from(spkiSha256, 'hex')))
    const where = { spkiSha256: { in: digests }, reason: 'key_disclosed' }
    expect(await service.database.prisma.blockedKey.count({ where })).toBe(count)
  })

  it('by the thousands is told not to be blocked any more', async () => {
    const { secret } = (
      await service.as('admin').post('/v1/tokens', { role: 'station', name: 'many' })
    ).json<{
      secret: string
    }>()
    const count = 1_200
    const [first, second] = [0, 1].map(() =>
      Buffer.concat(Array.from({ length: count }, () => makeBareKey().der))
    )
    const send = (payload: Buffer | undefined) =>
      service.send({
        method: 'POST',
        url: '/v1/issuances?profile=starter',
        headers: { ...file, authorization: `Bearer ${secret}` },
        payload: payload!
      })
    const start = performance.now()
    expect(problemOf(await send(first))).not.toHaveProperty('notBlockedSpkiSha256')
    const problem = problemOf(await send(second))
    // As time goes by, more may be blocked.
    const mayBlock = Math.ceil((blocksPerMinute * (60_000 + performance.now() - start)) / 60_000)
    expect(problem['notBlockedSpkiSha256']).toHaveLength(100)
    expect(problem['notBlockedSpkiSha256Omitted']).toBeGreaterThanOrEqual(2 * count - mayBlock - 100)
    expect(problem.detail).toContain('too many within a minute')
    const [omitted] = problem['notBlockedSpkiSha256'] as string[]
    expect((await service.as('admin').get(`/v1/blocked-keys/${omitted}`)).statusCode).toBe(404)
  })

  it('to another route again and again is in the audit once, and counted', async () => {
    const actor = 'station/starter'
    const where = { act: 'key.disclose', actor }
    const { auditEvent } = service.database.prisma
    const before = await auditEvent.count({ where })
    const preview = () => service.as('station').post(previewUrl, { csr: text('device.key') })
    const answers = await Promise.all(Array.from({ length: 30 }, preview))
    expect(new Set(answers.map(answer => problemOf(answer).code))).toEqual(new Set(['key_blocked']))
    expect(await auditEvent.count({ where })).toBe(before + 1)
  })

  it('names the certificate that exists to who asked for it, and raises an event', async () => {
    const { prisma } = service.database
    const issued = (await issueJson({ profile: 'starter', csr: text('device.csr') })).json<{
      id: string
      certificateId: string
    }>()
    const named = [expect.objectContaining({ issuanceId: issued.id, certificateId: issued.certificateId })]
    expect(problemOf(await issue(read('device.key')))['certificates']).toEqual(named)
    // Nor is the certificate handed out again.
    expect(problemOf(await issue(read('device.csr')))).toMatchObject({
      code: 'key_blocked',
      certificates: named
    })

    const token = (await service.as('admin').post('/v1/tokens', { role: 'station', name: 'other' })).json<{
      secret: string
    }>()
    const stranger = await service.send({
      method: 'POST',
      url: '/v1/issuances?profile=starter',
      headers: { ...file, authorization: `Bearer ${token.secret}` },
      payload: read('device.key')
    })
    expect(problemOf(stranger)).toMatchObject({ code: 'key_blocked' })
    expect(problemOf(stranger)).not.toHaveProperty('certificates')
    expect(stranger.body).not.toContain(issued.id)

    const [event] = await prisma.auditEvent.findMany({
      where: { act: 'key.block', subject: `key/${fingerprint()}` }
    })
    expect(event?.after).toMatchObject({
      blockedReason: 'key_disclosed',
      certificates: [{ issuanceId: issued.id, certificateId: issued.certificateId }]
    })
  })

  it.each<[name: string, sibling: Sibling]>([
    ['a profile', { url: '/v1/profiles', payload: () => profileWith(text('device.key')) }],
    ['a chain', { url: chainUrl, payload: () => ({ chain: text('device.key') }) }],
    [
      'a chain as a file',
      { url: chainUrl, payload: () => text('device.key'), type: 'application/pem-certificate-chain' }
    ],
    ['a preview', { url: previewUrl, role: 'station', payload: () => ({ csr: text('device.key') }) }],
    [
      'a preview of a file',
      { url: previewUrl, role: 'station', payload: () => text('device.key'), type: 'application/pkcs10' }
    ],
    [
      'an authority',
      { url: '/v1/authorities', payload: () => ({ key: { kind: 'local', pem: text('device.key') } }) }
    ],
    ['a token', { url: '/v1/tokens', payload: () => ({ role: 'station', name: text('device.key') }) }],
    ['a blocked key', { url: '/v1/blocked-keys', payload: () => ({ spkiSha256: text('device.key') }) }],
    [
      'a reason',
      { url: '/v1/authorities/starter-g1/retire', payload: () => ({ reason: text('device.key') }) }
    ]
  ])(
    'to another route is no less so: as %s',
    async (_name, { url, role = 'admin' as const, payload, type }) => {
      const headers = {
        'x-request-id': `sibling-${devices}`,
        ...(type !== undefined && { 'content-type': type })
      }
      const answer = await service.as(role).post(url, payload(), headers)
      expect(problemOf(answer)).toMatchObject({
        status: 422,
        code: 'key_blocked',
        spkiSha256: [fingerprint()]
      })
      await expectForgotten(answer)
      expect(problemOf(await issue(read('device.csr'))).code).toBe('key_blocked')
      const [event] = await service.audited('key.disclose', `sibling-${devices}`)
      expect(event?.after).toMatchObject({
        route: expect.stringMatching(/^POST \/v1\//) as string,
        bodyLength: expect.any(Number) as number,
        spkiSha256: [fingerprint()]
      })
    }
  )

  it('to another route raises an event where a certificate exists for it, and is in the audit alone where none does', async () => {
    const { prisma } = service.database
    const { webhook } = service.owner.prisma
    await webhook.updateMany({ data: { enabled: true, eventTypes: ['mintline.key.blocked'] } })
    try {
      const owed = () => prisma.outgoingEvent.findMany({ select: { type: true, recordId: true } })
      const send = (requestId: string) =>
        service
          .as('admin')
          .post('/v1/profiles', profileWith(text('device.key')), { 'x-request-id': requestId })
      const csr = text('device.csr')
      const { id, certificateId } = (await issueJson({ profile: 'starter', csr })).json<{
        id: string
        certificateId: string
      }>()
      const certificates = [expect.objectContaining({ issuanceId: id, certificateId }) as object]
      expect(problemOf(await send('with-certificate'))).toMatchObject({ code: 'key_blocked', certificates })
      const [block] = await service.audited('key.block', 'with-certificate')
      expect(block?.after).toMatchObject({ blockedReason: 'key_disclosed', certificates })
      expect(await service.audited('key.disclose', 'with-certificate')).toHaveLength(1)
      const told = [{ type: 'mintline.key.blocked', recordId: block!.id }]
      expect(await owed()).toEqual(told)

      openssl('genpkey', '-algorithm', 'ed25519', '-out', 'device.key')
      expect(problemOf(await send('without'))).toMatchObject({
        code: 'key_blocked',
        spkiSha256: [fingerprint()]
      })
      expect(await service.audited('key.disclose', 'without')).toHaveLength(1)
      expect(await service.audited('key.block', 'without')).toEqual([])
      expect(await owed()).toEqual(told)
    } finally {
      await webhook.updateMany({ data: { enabled: false } })
    }
  })

  it('as a form is not read', async () => {
    const body = `--x\r\nContent-Disposition: form-data; name="csr"\r\n\r\n${text('device.key')}\r\n--x--\r\n`
    const answer = await issue(body, { 'content-type': 'multipart/form-data; boundary=x' })
    expect(problemOf(answer).code).toBe('media_type_unsupported')
    await expectForgotten(answer)
    // A form under another name is.
    expect(problemOf(await issue(body)).code).toBe('key_blocked')
  })

  it('without a token is neither read nor blocked', async () => {
    const answer = await service.send({
      method: 'POST',
      url: '/v1/issuances?profile=starter',
      headers: file,
      payload: text('device.key')
    })
    expect(answer.statusCode).toBe(401)
    expect((await issue(read('device.csr'))).statusCode).toBe(201)
  })
})
