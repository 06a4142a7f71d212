import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { viewRecord } from '../../src/http/api/issuances/view.ts'
import { createVoidStore } from '../../src/issuance/ends/void-store.ts'
import { createVoiding, type Voiding } from '../../src/issuance/ends/voiding.ts'
import {
  assembleCertificate,
  parseCertificate,
  parseTbsCertificate
} from '../../src/pki/certificate/certificate.ts'
import { buildName } from '../../src/pki/name/name.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { asAuthority, changeRow, rebuilt } from '../support/forgery/forgery.ts'
import { WatchedSigning } from '../support/forgery/watched-signing.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let voiding: Voiding
const signing = new WatchedSigning()
const tamper = (id: string, column: string, value: unknown) =>
  changeRow(test.owner, { table: 'intent', id, columns: { [column]: value } })

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { wrapSigner: signing.wrap, resumeAfterMs: 0 })
  voiding = createVoiding({
    store: createVoidStore(test.database),
    records: issuing.records,
    clock: () => new Date(),
    randomBytes: size => crypto.getRandomValues(new Uint8Array(size))
  })
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let lastDevice = 0

/** An intent that was cut off before its signature, and the request that a station repeats. */
async function openIntent() {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: `damaged-${++lastDevice}` })
  signing.isAway = true
  await expect(issuing.issue(csr)).rejects.toThrow('away')
  signing.isAway = false
  const row = await test.database.prisma.intent.findFirstOrThrow({ orderBy: { id: 'desc' } })
  return { csr, row }
}

/** What somebody wrote into `tbs_der`. */
const forgeries: readonly [string, (tbsDer: Uint8Array) => Uint8Array | Promise<Uint8Array>][] = [
  ['a CA certificate', asAuthority],
  ['another subject', tbs => rebuilt(tbs, { subjectNameDer: buildName({ Country: 'US', CommonName: 'x' }) })],
  ['a subject with more in it', withOrganization],
  ['another key', async tbs => rebuilt(tbs, { spkiDer: await otherKey() })],
  ['another serial number', tbs => rebuilt(tbs, { serialNumber: new Uint8Array(16).fill(0x41) })],
  ['another issuer', tbs => rebuilt(tbs, { issuerNameDer: buildName({ CommonName: 'Another CA' }) })],
  ['another issuer key', tbs => rebuilt(tbs, { authorityKeyIdentifier: new Uint8Array(20).fill(1) })],
  ['another key usage', tbs => rebuilt(tbs, { keyUsage: ['digitalSignature', 'nonRepudiation'] })],
  ['another purpose', tbs => rebuilt(tbs, { extendedKeyUsage: ['clientAuth', 'serverAuth'] })],
  ['an earlier beginning', tbs => rebuilt(tbs, { notBefore: hoursFrom(tbs, 'notBefore', -24) })],
  // The CA is valid from a day before it was made, so that no rule but the profile's is broken.
  ["one after the CA's", tbs => rebuilt(tbs, { notBefore: hoursFrom(tbs, 'notBefore', -12) })],
  ['a beginning 90 days ahead', tbs => rebuilt(tbs, { notBefore: hoursFrom(tbs, 'notBefore', 90 * 24) })],
  ['a beginning an hour ahead', tbs => rebuilt(tbs, { notBefore: hoursFrom(tbs, 'notBefore', 2) })],
  ['an end after an hour', tbs => rebuilt(tbs, { notAfter: hoursFrom(tbs, 'notBefore', 2) })],
  ['an end a day sooner', tbs => rebuilt(tbs, { notAfter: hoursFrom(tbs, 'notAfter', -24) })],
  ['another algorithm', tbs => rebuilt(tbs, { signatureAlgorithm: 'ecdsa-with-SHA384' })],
  ['nothing', () => new Uint8Array()],
  ['noise', () => crypto.getRandomValues(new Uint8Array(300))],
  ['bytes behind it', tbs => Uint8Array.of(...tbs, 0)]
]

function withOrganization(tbsDer: Uint8Array): Uint8Array {
  const { subject } = parseTbsCertificate(tbsDer)
  return rebuilt(tbsDer, { subjectNameDer: buildName({ ...subject, Organization: 'Somebody' }) })
}

function hoursFrom(tbsDer: Uint8Array, end: 'notBefore' | 'notAfter', hours: number): Date {
  return new Date(parseTbsCertificate(tbsDer)[end].getTime() + hours * 3_600_000)
}

async function otherKey(): Promise<Uint8Array> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  return new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey))
}

describe('an open intent that was changed in the database', () => {
  it.each(forgeries)('into %s is not signed at the retry', async (_name, forge) => {
    const { csr, row } = await openIntent()
    await tamper(row.id, 'tbs_der', await forge(row.tbsDer))
    const before = signing.signatures
    await expect(issuing.issue(csr)).rejects.toMatchObject({
      code: 'record_damaged',
      members: { earlierIssuance: { id: row.id } }
    })
    // Nor at the next.
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
    expect(signing.signatures).toBe(before)
  })

  it('is on record as a refusal each time, for whoever looks after the records', async () => {
    const { csr, row } = await openIntent()
    await tamper(row.id, 'tbs_der', asAuthority(row.tbsDer))
    const error = await issuing.issue(csr).catch((caught: unknown) => caught)
    const { issuanceId } = (error as { members: { issuanceId: string } }).members
    const refusal = await issuing.records.find(issuanceId)
    expect(refusal).toMatchObject({ outcome: 'rejected', code: 'record_damaged' })
    expect((refusal as { detail: string }).detail).toContain(row.id)
    expect((refusal as { violations: readonly unknown[] }).violations).not.toEqual([])
  })

  it('raises an event, which names the refusal', async () => {
    const { webhook, outgoingEvent } = test.owner.prisma
    const { csr, row } = await openIntent()
    await tamper(row.id, 'tbs_der', asAuthority(row.tbsDer))
    const told = { enabled: true, eventTypes: ['mintline.issuance.rejected'], changedAt: new Date() }
    await webhook.create({ data: { name: 'webhook', source: crypto.randomUUID(), ...told } })
    const error = await issuing.issue(csr).catch((caught: unknown) => caught)
    await webhook.deleteMany()
    const { issuanceId } = (error as { members: { issuanceId: string } }).members
    expect(await outgoingEvent.findMany({ select: { type: true, recordId: true } })).toEqual([
      { type: 'mintline.issuance.rejected', recordId: issuanceId }
    ])
  })

  it.each(['profile_version_id', 'authority_id'])(
    'to name no %s is not signed at the retry',
    async column => {
      const { csr, row } = await openIntent()
      await tamper(row.id, column, '01a21576-3a40-73b9-ba33-bd5d53ba14ae')
      const before = signing.signatures
      await expect(issuing.issue(csr)).rejects.toMatchObject({
        code: 'record_damaged',
        members: { earlierIssuance: { id: row.id } },
        violations: [{ message: 'The record names what is not there.' }]
      })
      expect(signing.signatures).toBe(before)
      expect(await voiding.declareVoid(row.id, { actor: 'admin/test', reason: 'damaged' })).toMatchObject({
        outcome: 'void'
      })
      expect((await issuing.issue(csr)).replayed).toBe(false)
    }
  )

  it('in its CSR is not signed at the retry', async () => {
    const { csr, row } = await openIntent()
    const other = await openIntent()
    await tamper(row.id, 'csr_der', other.row.csrDer)
    const before = signing.signatures
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
    expect(signing.signatures).toBe(before)
  })

  it('in its serial number is not signed at the retry', async () => {
    const { csr, row } = await openIntent()
    await tamper(row.id, 'serial_number', new Uint8Array(16).fill(0x42))
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
  })

  it('by taking away that it is open is signed once at a retry, not without end', async () => {
    const { csr, row } = await openIntent()
    await test.database.prisma.$executeRaw`DELETE FROM open_intent WHERE intent_id = ${row.id}::uuid`
    const before = signing.signatures
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
    expect(signing.signatures - before).toBeLessThanOrEqual(1)
    await voiding.declareVoid(row.id, { actor: 'admin/test', reason: 'damaged' })
    expect((await issuing.issue(csr)).replayed).toBe(false)
  })

  it('in its time, so that the certificate would live too long, is not signed at the retry', async () => {
    const { csr, row } = await openIntent()
    await tamper(row.id, 'created_at', new Date(row.createdAt.getTime() - 7 * 86_400_000))
    const { validity } = (await issuing.profiles.current('starter')).version.document
    if (!('days' in validity)) {
      await tamper(row.id, 'created_at', new Date(row.createdAt.getTime() + 7 * 86_400_000))
    }
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
  })
})

describe('an issued record whose certificate cannot be read', () => {
  it('is not handed out, and hides no other record', async () => {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `damaged-${++lastDevice}` })
    const { record } = await issuing.issue(csr)
    await tamper(record.id, 'tbs_der', new Uint8Array([1, 2, 3]))
    await expect(issuing.issue(csr)).rejects.toMatchObject({
      code: 'record_damaged',
      members: { earlierIssuance: { id: record.id, serialNumber: record.serialNumber } }
    })
    expect(await issuing.records.find(record.id)).toMatchObject({ outcome: 'issued', damaged: true })
    const { items } = await issuing.records.list({ outcome: 'issued', limit: 200 })
    expect(items.map(({ id }) => id)).toContain(record.id)
  })
})

describe('an issued record that was changed in the database', () => {
  async function issueOne() {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `edited-${++lastDevice}` })
    return { csr, record: (await issuing.issue(csr)).record }
  }
  type Issued = Awaited<ReturnType<typeof issueOne>>['record']
  type Change = readonly ['intent' | 'issued', Readonly<Record<string, unknown>>]
  const withId = (certificateDer: Uint8Array): Change => [
    'issued',
    { certificate_der: certificateDer, certificate_id: hash('sha256', certificateDer, 'buffer') }
  ]
  const signedAnew = (tbsDer: Uint8Array): Uint8Array => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return assembleCertificate(tbsDer, 'ecdsa-with-SHA256', sign('sha256', tbsDer, privateKey))
  }

  const changes: readonly (readonly [string, string, (record: Issued) => Change | Promise<Change>])[] = [
    ['its id', '/certificateId', () => ['issued', { certificate_id: new Uint8Array(32).fill(7) }]],
    [
      'a bit of its signature',
      '/certificate',
      ({ certificateDer }) => withId(certificateDer.with(-1, certificateDer.at(-1)! ^ 1))
    ],
    [
      'its certificate for that of another device',
      '/certificate',
      async () => withId((await issueOne()).record.certificateDer)
    ],
    [
      'its certificate, signed by another key',
      '/certificate',
      ({ certificateDer }) => withId(signedAnew(parseCertificate(certificateDer).tbsDer))
    ],
    [
      'its serial number',
      '/serialNumber',
      () => ['intent', { serial_number: new Uint8Array(16).fill(0x42) }]
    ],
    ['the key it is for', '/spkiSha256', () => ['intent', { spki_sha256: new Uint8Array(32).fill(0x42) }]]
  ]

  it.each(changes)('in %s is not handed out', async (_name, pointer, change) => {
    const { csr, record } = await issueOne()
    const [table, columns] = await change(record)
    await changeRow(test.owner, { table, id: record.id, columns })
    const found = await issuing.records.find(record.id)
    expect(found).toMatchObject({ outcome: 'issued', damaged: true, damage: { pointer } })
    expect(viewRecord(found)).not.toHaveProperty('certificatePem')
    expect(viewRecord(found)).not.toHaveProperty('chainPem')
    await expect(issuing.issue(csr)).rejects.toMatchObject({
      code: 'record_damaged',
      violations: [{ pointer }],
      members: { earlierIssuance: { id: record.id } }
    })
    const other = await issueOne()
    expect((await issuing.issue(other.csr)).replayed).toBe(true)
    expect(await issuing.records.find(other.record.id)).not.toHaveProperty('damaged')
  })
})

describe('a record that was declared void', () => {
  const act = { actor: 'admin/test', reason: 'changed in the database' }

  it('leaves device and key to the next request with the same CSR', async () => {
    const { csr, row } = await openIntent()
    await tamper(row.id, 'tbs_der', asAuthority(row.tbsDer))
    await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'record_damaged' })
    expect(await voiding.declareVoid(row.id, act)).toMatchObject({
      outcome: 'void',
      id: row.id,
      voidedBy: 'admin/test',
      voidReason: 'changed in the database'
    })
    const { record, replayed } = await issuing.issue(csr)
    expect(replayed).toBe(false)
    expect(record.id).not.toBe(row.id)
    expect((await issuing.issue(csr)).record.certificateDer).toEqual(record.certificateDer)
  })

  it('stands in the audit once, however often it is asked for', async () => {
    const { row } = await openIntent()
    const first = await voiding.declareVoid(row.id, act)
    expect(await voiding.declareVoid(row.id, { ...act, reason: 'again' })).toEqual(first)
    const events = await test.database.prisma.auditEvent.findMany({
      where: { act: 'issuance.void', subject: `issuance/${row.id}` }
    })
    expect(events).toMatchObject([{ actor: 'admin/test', reason: 'changed in the database' }])
  })

  it('is read and found, even where its bytes cannot be read any more', async () => {
    const { row } = await openIntent()
    await tamper(row.id, 'tbs_der', new Uint8Array([1, 2, 3]))
    expect(await issuing.records.find(row.id)).toMatchObject({ outcome: 'unknown', damaged: true })
    await voiding.declareVoid(row.id, act)
    expect(await issuing.records.find(row.id)).toMatchObject({ outcome: 'void', damaged: true })
    const { items } = await issuing.records.list({ outcome: 'void', limit: 200 })
    expect(items.map(({ id }) => id)).toContain(row.id)
    const open = await issuing.records.list({ outcome: 'unknown', limit: 200 })
    expect(open.items.map(({ id }) => id)).not.toContain(row.id)
  })

  it('is not one that is issued, refused or unknown', async () => {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `damaged-${++lastDevice}` })
    const { record } = await issuing.issue(csr)
    await expect(voiding.declareVoid(record.id, act)).rejects.toMatchObject({ code: 'issuance_not_open' })
    const refused = await issuing.issue(Buffer.from('not a CSR')).catch((error: unknown) => error)
    const { issuanceId } = (refused as { members: { issuanceId: string } }).members
    await expect(voiding.declareVoid(issuanceId, act)).rejects.toMatchObject({ code: 'issuance_not_open' })
    const nobody = '01a21576-3a40-73b9-ba33-bd5d53ba14ae'
    await expect(voiding.declareVoid(nobody, act)).rejects.toMatchObject({ code: 'issuance_not_found' })
  })

  it('or issued, but never both, whoever is faster', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const { csr, row } = await openIntent()
      const [retry, act1] = await Promise.allSettled([
        issuing.issue(csr),
        delay(round % 4).then(() => voiding.declareVoid(row.id, act))
      ])
      const record = await issuing.records.find(row.id)
      outcomes.add(record.outcome)
      expect(record.outcome).toBe(act1.status === 'fulfilled' ? 'void' : 'issued')
      if (record.outcome === 'issued') {
        expect(retry).toMatchObject({ status: 'fulfilled', value: { record: { id: row.id } } })
      } else if (retry.status === 'fulfilled') {
        expect(retry.value.record.id).not.toBe(row.id)
      }
    }
    expect([...outcomes].every(outcome => ['void', 'issued'].includes(outcome))).toBe(true)
  })
})

describe('an open intent that nobody changed', () => {
  it('is completed at the retry, with the bytes that were committed', async () => {
    const { csr, row } = await openIntent()
    const { record, replayed } = await issuing.issue(csr)
    expect(replayed).toBe(true)
    expect(record.id).toBe(row.id)
    expect(Buffer.from(record.certificateDer).includes(Buffer.from(row.tbsDer))).toBe(true)
  })

  it('is completed in whatever order the profile names usages and purposes', async () => {
    await issuing.profiles.post(
      {
        ...starterProfile,
        name: 'unordered',
        keyUsage: ['nonRepudiation', 'digitalSignature'],
        extendedKeyUsage: ['serverAuth', 'clientAuth']
      },
      administrator
    )
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `unordered-${++lastDevice}` })
    signing.isAway = true
    await expect(issuing.issue(csr, 'unordered')).rejects.toThrow('away')
    signing.isAway = false
    expect(await issuing.issue(csr, 'unordered')).toMatchObject({ replayed: true })
  })

  it('is completed where the profile dropped what the CSR carries', async () => {
    await issuing.profiles.post(
      {
        ...starterProfile,
        name: 'dropping',
        subject: { ...starterProfile.subject, Organization: { rule: 'fixed', value: 'Acme' } },
        dropAttributes: ['Organization', 'Locality']
      },
      administrator
    )
    const subject = { Country: 'US', CommonName: `dropped-${++lastDevice}` }
    const csr = makeCertificationRequest({ ...subject, Organization: 'Widgits', Locality: 'Bern' })
    signing.isAway = true
    await expect(issuing.issue(csr, 'dropping')).rejects.toThrow('away')
    signing.isAway = false
    const { record, replayed } = await issuing.issue(csr, 'dropping')
    expect(replayed).toBe(true)
    expect(record.subject).toEqual({ ...subject, Organization: 'Acme' })
  })
})
