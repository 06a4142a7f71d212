import { hash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlockedKeyView } from '../../../src/http/api/blocked-keys/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import {
  type DeviceKey,
  makeCertificationRequest,
  makeDeviceKey
} from '../../support/certification-request.ts'
import { startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { makeGeneration, makeSignedChain } from '../generations.ts'
import { type HttpService, openService, someSubject } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const hashOf = ({ spkiDer }: DeviceKey) => hash('sha256', spkiDer)
const block = (body: object, requestId = 'blocking') =>
  service.as('admin').post('/v1/blocked-keys', body, { 'x-request-id': requestId })
const post = (csr: Uint8Array) =>
  service
    .as('station')
    .post('/v1/issuances', { csr: encodePem('CERTIFICATE REQUEST', csr), profile: 'starter' })

describe('POST /v1/blocked-keys', () => {
  it('keeps a key from being certified, by whatever profile, and is audited once', async () => {
    const key = makeDeviceKey()
    const body = { spkiSha256: hashOf(key).toUpperCase(), reason: 'weak_key', comment: 'lot 7' }
    const first = await block(body, 'first')
    expect(first.statusCode).toBe(201)
    expect(first.json()).toMatchObject({
      spkiSha256: hashOf(key),
      reason: 'weak_key',
      comment: 'lot 7',
      blockedBy: 'admin/starter-admin',
      certificates: []
    })
    expect(await faultsOf('BlockedKey', first.json())).toEqual([])
    const refused = problemOf(await post(makeCertificationRequest(someSubject(), key)))
    expect(refused).toMatchObject({ status: 422, code: 'key_blocked', blockedReason: 'weak_key' })
    expect((await service.as('auditor').get(refused.instance!)).json()).toMatchObject({ code: 'key_blocked' })

    const again = await block({ ...body, reason: 'withdrawn' }, 'again')
    expect([again.statusCode, again.json<BlockedKeyView>().reason]).toEqual([200, 'weak_key'])
    expect(await service.audited('key.block', 'first')).toMatchObject([
      {
        actor: 'admin/starter-admin',
        subject: `key/${hashOf(key)}`,
        reason: 'lot 7',
        after: { blockedReason: 'weak_key' }
      }
    ])
    expect(await service.audited('key.block', 'again')).toEqual([])
  })

  it('names the certificate that exists, and its retry gets it no more', async () => {
    const key = makeDeviceKey()
    const csr = makeCertificationRequest(someSubject(), key)
    const { id, certificateId, serialNumber } = await service.issue(csr)
    const answer = (
      await block({ spkiSha256: hashOf(key), reason: 'key_compromised' })
    ).json<BlockedKeyView>()
    expect(answer.certificates).toEqual([
      { issuanceId: id, certificateId, serialNumber, requestedAt: expect.any(String) as string }
    ])
    expect(problemOf(await post(csr))).toMatchObject({
      code: 'key_blocked',
      certificates: [{ issuanceId: id, certificateId }]
    })
    const preview = await service.as('auditor').post('/v1/profiles/starter/preview', {
      csr: encodePem('CERTIFICATE REQUEST', csr)
    })
    expect(problemOf(preview).code).toBe('key_blocked')
  })

  it('refuses a retry also where the rules would refuse the request by now', async () => {
    const key = makeDeviceKey()
    const csr = makeCertificationRequest({ CommonName: 'no-country' }, key)
    await block({ spkiSha256: hashOf(key), reason: 'duplicate_key' })
    expect(problemOf(await post(csr)).code).toBe('key_blocked')
  })

  it('ends an intent that waits, and its device is free for a new key', async () => {
    const key = makeDeviceKey()
    const subject = someSubject()
    const csr = makeCertificationRequest(subject, key)
    const intentId = await service.leaveOpen(csr)
    await block({ spkiSha256: hashOf(key), reason: 'key_disclosed' }, 'voiding')
    const record = (await service.as('auditor').get(`/v1/issuances/${intentId}`)).json<object>()
    expect(record).toMatchObject({ outcome: 'void', reason: 'key blocked: key_disclosed' })
    expect(problemOf(await post(csr)).code).toBe('key_blocked')
    expect((await post(makeCertificationRequest(subject))).statusCode).toBe(201)
    const [event] = await service.audited('key.block', 'voiding')
    expect(event?.after).toMatchObject({ voided: [intentId] })
  })

  it("tells whose key it is where it is a CA's", async () => {
    const { certificateDer } = (await service.database.prisma.authority.findFirst({
      where: { name: 'starter-g1' }
    }))!
    const spki = new X509Certificate(certificateDer!).publicKey.export({ type: 'spki', format: 'der' })
    const answer = await block({ spkiSha256: hash('sha256', spki), reason: 'key_compromised' })
    expect(answer.json()).toMatchObject({ authorities: ['starter-g1'] })
  })

  it.each<[string, object, readonly string[]]>([
    ['what is no hash', { spkiSha256: 'ab', reason: 'weak_key' }, ['/spkiSha256']],
    ['another reason', { spkiSha256: 'ab'.repeat(32), reason: 'because' }, ['/reason']],
    ['nothing', {}, ['/reason', '/spkiSha256']]
  ])('refuses %s', async (_name, body, pointers) => {
    const answer = await block(body)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual(pointers)
  })

  it.each(['station', 'auditor'] as const)('is not for the role %s', async role => {
    const body = { spkiSha256: 'ab'.repeat(32), reason: 'weak_key' }
    expect(problemOf(await service.as(role).post('/v1/blocked-keys', body)).code).toBe('role_forbidden')
  })
})

describe('the key of a CA that is blocked', () => {
  const spkiHashOf = (pem: string) =>
    hash('sha256', new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
  const certificatesOf = (pem: string) => pem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----\n/g)!

  it('is not brought into use, and the answer says which key and that another generation is the way out', async () => {
    const name = await makeGeneration(service, 'blocked-own')
    const { body } = await service.as('admin').get(`/v1/authorities/${name}/certificate`)
    await block({ spkiSha256: spkiHashOf(body), reason: 'weak_key' })
    const problem = problemOf(
      await service.as('admin').post(`/v1/authorities/${name}/activate`, { reason: 'planned' })
    )
    expect(problem).toMatchObject({
      status: 422,
      code: 'key_blocked',
      blockedReason: 'weak_key',
      spkiSha256: [spkiHashOf(body)]
    })
    expect(problem.detail).toContain('POST /v1/authorities')
    expect(problem.detail).toContain(spkiHashOf(body))
    expect(await faultsOf('Problem', problem)).toEqual([])
    const next = await makeGeneration(service, 'blocked-own', 'active')
    expect(next).toBe('blocked-own-g2')
  })

  it('is not brought into use by a chain, where it is that of a CA above; another chain is taken', async () => {
    const name = await makeGeneration(service, 'blocked-above', 'pending')
    const chain = await makeSignedChain(service, name)
    const root = certificatesOf(chain)[1]!
    await block({ spkiSha256: spkiHashOf(root), reason: 'key_compromised' })
    const url = `/v1/authorities/${name}/certificate`
    const problem = problemOf(await service.as('admin').post(url, { chain }))
    expect(problem).toMatchObject({
      status: 422,
      code: 'key_blocked',
      blockedReason: 'key_compromised',
      spkiSha256: [spkiHashOf(root)]
    })
    expect(problem.detail).toContain('signed by another CA')
    const another = await service.as('admin').post(url, { chain: await makeSignedChain(service, name) })
    expect([another.statusCode, another.json<{ state: string }>().state]).toEqual([200, 'staged'])
  })
})

describe('GET /v1/blocked-keys', () => {
  it('leads from page to page, newest first', async () => {
    const hashes = ['a1', 'a2', 'a3'].map(octet => octet.repeat(32))
    for (const spkiSha256 of hashes) await block({ spkiSha256, reason: 'withdrawn' })
    const page = async (query: string) =>
      (await service.as('auditor').get(`/v1/blocked-keys?reason=withdrawn&${query}`)).json<{
        items: { spkiSha256: string }[]
        nextCursor?: string
      }>()
    const first = await page('limit=2')
    expect(await faultsOf('BlockedKeyPage', first)).toEqual([])
    expect(first.items.map(({ spkiSha256 }) => spkiSha256)).toEqual([hashes[2], hashes[1]])
    const second = await page(`limit=2&cursor=${first.nextCursor}`)
    expect(second.items.map(({ spkiSha256 }) => spkiSha256)).toEqual([hashes[0]])
    expect(second).not.toHaveProperty('nextCursor')
  })

  it('has an answer for one', async () => {
    const answer = await service.as('auditor').get(`/v1/blocked-keys/${'0'.repeat(64)}`)
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'blocked_key_not_found' })
    expect((await service.as('station').get('/v1/blocked-keys')).statusCode).toBe(403)
  })
})

describe('POST /v1/issuances/{id}/purge', () => {
  const purge = (id: string, body: object = { reason: 'asked by law' }, requestId = 'purging') =>
    service.as('admin').post(`/v1/issuances/${id}/purge`, body, { 'x-request-id': requestId })
  const refuse = async (csr: string) =>
    problemOf(
      await service.as('station').post('/v1/issuances', { csr, profile: 'starter', metadata: { who: 'Ada' } })
    ).issuanceId!

  it('blanks what was sent, leaves its hash, and is told with the record', async () => {
    const sent = 'The telephone number of Ada Lovelace'
    const id = await refuse(sent)
    const answer = await purge(id)
    expect(answer.statusCode).toBe(200)
    const record = (await service.as('auditor').get(`/v1/issuances/${id}`)).json<object>()
    expect(answer.json()).toEqual(record)
    expect(record).toMatchObject({
      outcome: 'rejected',
      code: 'csr_malformed',
      detail: '',
      violations: [],
      metadata: {},
      bodyLength: sent.length,
      bodySha256: hash('sha256', sent),
      purgedAt: expect.any(String) as string,
      purgedBy: 'admin/starter-admin',
      purgeReason: 'asked by law'
    })
    expect(record).not.toHaveProperty('csr')
    expect(await faultsOf('IssuanceEntry', record)).toEqual([])
    expect(await service.audited('refusal.purge', 'purging')).toMatchObject([
      { actor: 'admin/starter-admin', subject: `issuance/${id}`, reason: 'asked by law' }
    ])
    expect((await purge(id, { reason: 'again' }, 'again')).json()).toEqual(record)
    expect(await service.audited('refusal.purge', 'again')).toEqual([])
  })

  it('is not for issuances, nor without a reason, nor for others', async () => {
    const { id } = await service.issue()
    expect(problemOf(await purge(id)).code).toBe('issuance_not_rejected')
    const refused = await refuse('x')
    expect(pointersOf(await purge(refused, {}))).toEqual(['/reason'])
    expect(problemOf(await purge('019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11')).code).toBe('issuance_not_found')
    const auditor = await service.as('auditor').post(`/v1/issuances/${refused}/purge`, { reason: 'x' })
    expect(problemOf(auditor).code).toBe('role_forbidden')
  })
})

describe('a block that comes while certificates are issued, with two processes', () => {
  it('leaves no certificate that it does not name', async () => {
    await using test = await createTestDatabase()
    await using directory = await createTemporaryDirectory()
    const one = await startIssuing(test.database, directory.path)
    const other = await startIssuing(test.database, directory.path)
    const keys = Array.from({ length: 40 }, makeDeviceKey)
    const blockKey = (spkiSha256: Uint8Array) =>
      other.blockedKeys.block({ spkiSha256, reason: 'key_compromised' }, { actor: 'admin/test' })
    const outcomes = await Promise.all(
      keys.map(async (key, index) => {
        const spkiSha256 = new Uint8Array(hash('sha256', key.spkiDer, 'buffer'))
        const csr = makeCertificationRequest(someSubject(), key)
        // The first of all are blocked in time, and the last too late; the others are a race.
        const wait = index < 4 ? blockKey(spkiSha256) : Promise.resolve()
        const issuing = wait.then(() => one.issue(csr)).catch(() => undefined)
        if (index > 35) await issuing
        else await new Promise(resolve => setTimeout(resolve, index * 5))
        const [issued, { uses }] = await Promise.all([issuing, blockKey(spkiSha256)])
        const named = uses.filter(({ certificateId }) => certificateId !== null)
        const onRecord = await test.database.prisma.$queryRaw<{ id: string }[]>`
          SELECT intent_id AS id FROM issued JOIN intent ON intent.id = intent_id WHERE spki_sha256 = ${spkiSha256}`
        // What is on record is named, and what is not named is never put on record.
        expect(onRecord.map(({ id }) => id)).toEqual(named.map(({ issuanceId }) => issuanceId))
        expect(onRecord).toHaveLength(issued === undefined ? 0 : 1)
        return issued !== undefined
      })
    )
    expect(new Set(outcomes).size).toBe(2)
    expect(await test.database.prisma.openIntent.count()).toBe(0)
  })

  it('is seen while the CA key signs', async () => {
    await using test = await createTestDatabase()
    await using directory = await createTemporaryDirectory()
    const key = makeDeviceKey()
    const csr = makeCertificationRequest(someSubject(), key)
    const spkiSha256 = new Uint8Array(hash('sha256', key.spkiDer, 'buffer'))
    const other = await startIssuing(test.database, directory.path)
    const issuing = await startIssuing(test.database, directory.path, {
      wrapSigner: signer => ({
        ...signer,
        async sign(...values) {
          await other.blockedKeys.block({ spkiSha256, reason: 'weak_key' }, { actor: 'admin/test' })
          return signer.sign(...values)
        }
      })
    })
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'overloaded' })
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'key_blocked' })
    expect(await test.database.prisma.issued.count()).toBe(0)
    expect(await test.database.prisma.void.count()).toBe(1)
  })

  it('is seen between the judgement of an intent and its commit', async () => {
    await using test = await createTestDatabase()
    await using directory = await createTemporaryDirectory()
    const key = makeDeviceKey()
    const issuing = await startIssuing(test.database, directory.path)
    const spkiSha256 = new Uint8Array(hash('sha256', key.spkiDer, 'buffer'))
    let isBlocked = false
    // The block commits while the intent's statement waits for the row that this transaction holds.
    const held = test.database.prisma.$transaction(async transaction => {
      await transaction.$queryRaw`SELECT id FROM authority FOR UPDATE`
      const answer = issuing
        .issue(makeCertificationRequest(someSubject(), key))
        .catch((error: unknown) => error)
      await new Promise(resolve => setTimeout(resolve, 300))
      await issuing.blockedKeys.block({ spkiSha256, reason: 'weak_key' }, { actor: 'admin/test' })
      isBlocked = true
      return { answer }
    })
    const { answer } = await held
    expect(isBlocked).toBe(true)
    expect(await answer).toMatchObject({ code: 'key_blocked' })
    expect(await test.database.prisma.intent.count()).toBe(0)
  })
})
