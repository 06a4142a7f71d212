import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTbsCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildName } from '../../src/pki/name/name.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import type { ProfileDocument } from '../../src/profiles/document.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { changeRow, rebuilt } from '../support/forgery/forgery.ts'
import { WatchedSigning } from '../support/forgery/watched-signing.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
const signing = new WatchedSigning()
const tamper = (id: string, columns: Readonly<Record<string, unknown>>) =>
  changeRow(test.owner, { table: 'intent', id, columns })

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { wrapSigner: signing.wrap, resumeAfterMs: 0 })
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let last = 0

async function openIntent(profile = 'starter', subject: Subject = {}) {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: `forged-${++last}`, ...subject })
  signing.isAway = true
  await expect(issuing.issue(csr, profile)).rejects.toThrow('away')
  signing.isAway = false
  const row = await test.database.prisma.intent.findFirstOrThrow({ orderBy: { id: 'desc' } })
  return { csr, row, profile }
}

/** Puts a subjectAltName into the extensions, all lengths mended. */
function withExtension(tbsDer: Uint8Array): Uint8Array {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const length = (n: number) =>
    n < 128 ? Buffer.of(n) : n < 256 ? Buffer.of(0x81, n) : Buffer.of(0x82, n >> 8, n & 255)
  const element = (tag: number, ...content: Uint8Array[]) => {
    const body = Buffer.concat(content)
    return Buffer.concat([Buffer.of(tag), length(body.length), body])
  }
  const read = (bytes: Uint8Array) => {
    const items: { tag: number; content: Buffer; whole: Buffer }[] = []
    const all = Buffer.from(bytes)
    for (let at = 0; at < all.length;) {
      const first = all[at + 1]!
      const octets = first < 128 ? 0 : first & 127
      const size = octets === 0 ? first : Number.parseInt(hex(all.subarray(at + 2, at + 2 + octets)), 16)
      const start = at + 2 + octets
      items.push({
        tag: all[at]!,
        content: all.subarray(start, start + size),
        whole: all.subarray(at, start + size)
      })
      at = start + size
    }
    return items
  }
  const fields = read(read(tbsDer)[0]!.content)
  const extensions = read(fields.at(-1)!.content)[0]!.content
  const alternativeName = Buffer.from('30160603551d11040f300d820b6578616d706c652e636f6d', 'hex')
  const changed = element(0xa3, element(0x30, extensions, alternativeName))
  return new Uint8Array(element(0x30, ...fields.slice(0, -1).map(({ whole }) => whole), changed))
}

async function isRefused({ csr, row, profile }: Awaited<ReturnType<typeof openIntent>>): Promise<void> {
  const before = signing.signatures
  for (let round = 1; round <= 2; round++) {
    const outcome = await issuing.issue(csr, profile).then(
      ({ record }) => `signed ${record.id}`,
      (error: { code?: string; members?: object; message: string }) => error
    )
    expect(outcome).toMatchObject({ code: 'record_damaged', members: { earlierIssuance: { id: row.id } } })
  }
  expect(signing.signatures).toBe(before)
}

const withoutOrganization = { ...starterProfile.subject }
delete withoutOrganization.Organization

describe('a forged row that agrees with itself is not signed', () => {
  it('under the authority of another line', async () => {
    const administration = createTestAdministration(test.database, directory.path)
    const other = await administration.administration.create(selfSigned('other'), act)
    await administration.administration.activate(other, act)
    await issuing.authorities.refresh()
    const { id, certificate } = await issuing.authorities.issuing('other')
    const open = await openIntent()
    await tamper(open.row.id, {
      authority_id: id,
      tbs_der: rebuilt(open.row.tbsDer, {
        issuerNameDer: certificate.subjectNameDer,
        authorityKeyIdentifier: certificate.subjectKeyIdentifier
      })
    })
    await isRefused(open)
  })

  it('under a version of another profile', async () => {
    await issuing.profiles.post(
      { ...starterProfile, name: 'loose', keyUsage: ['digitalSignature', 'nonRepudiation'] },
      administrator
    )
    const loose = await test.database.prisma.profileVersion.findFirstOrThrow({ where: { name: 'loose' } })
    const open = await openIntent()
    await tamper(open.row.id, {
      profile_version_id: loose.id,
      tbs_der: rebuilt(open.row.tbsDer, { keyUsage: ['digitalSignature', 'nonRepudiation'] })
    })
    await isRefused(open)
  })

  // The station's own retry is refused by the newest version, which is when the earlier intent is looked for.
  it.each<[string, Partial<ProfileDocument>]>([
    [
      'forbids a field of it',
      { subject: { ...starterProfile.subject, Organization: { rule: 'forbidden' } } }
    ],
    ['has no use for a field of it', { subject: withoutOrganization }],
    [
      'refuses a value of it',
      { subject: { ...starterProfile.subject, Organization: { rule: 'required', values: ['Acme'] } } }
    ],
    [
      'writes another value',
      { subject: { ...starterProfile.subject, Organization: { rule: 'fixed', value: 'Acme' } } }
    ],
    [
      'demands a field that it lacks',
      { subject: { ...starterProfile.subject, Locality: { rule: 'required' } } }
    ],
    ['refuses its key', { keys: { ec: { curves: ['P-384'] } } }],
    ['writes a shorter validity', { validity: { days: 1, whenIssuerExpiresFirst: 'refuse' } }]
  ])('under a version of its profile that %s', async (_name, change) => {
    const name = `versions-${++last}`
    await issuing.profiles.post({ ...starterProfile, name }, administrator)
    const open = await openIntent(name, { Organization: 'Somebody' })
    await issuing.profiles.post({ ...starterProfile, name, ...change }, administrator)
    const second = await test.database.prisma.profileVersion.findFirstOrThrow({ where: { name, version: 2 } })
    await tamper(open.row.id, { profile_version_id: second.id })
    await isRefused(open)
  })

  it('with the digest of another key', async () => {
    const open = await openIntent()
    await tamper(open.row.id, { spki_sha256: new Uint8Array(32).fill(7) })
    await isRefused(open)
  })

  it('with an allowed value left out', async () => {
    const open = await openIntent('starter', { Organization: 'Acme' })
    const { Country, CommonName } = parseTbsCertificate(open.row.tbsDer).subject
    const subject = { Country: Country!, CommonName: CommonName! }
    await tamper(open.row.id, { tbs_der: rebuilt(open.row.tbsDer, { subjectNameDer: buildName(subject) }) })
    await isRefused(open)
  })

  it('with a value that the profile drops', async () => {
    await issuing.profiles.post(
      { ...starterProfile, name: 'dropping', subject: withoutOrganization, dropAttributes: ['Organization'] },
      administrator
    )
    const open = await openIntent('dropping', { Organization: 'Dropped' })
    expect(parseTbsCertificate(open.row.tbsDer).subject.Organization).toBeUndefined()
    await tamper(open.row.id, {
      tbs_der: rebuilt(open.row.tbsDer, {
        subjectNameDer: buildName({
          ...parseTbsCertificate(open.row.tbsDer).subject,
          Organization: 'Dropped'
        })
      })
    })
    await isRefused(open)
  })

  it('with an extension more', async () => {
    const open = await openIntent()
    const tbsDer = withExtension(open.row.tbsDer)
    expect(parseTbsCertificate(tbsDer).extensions.all.some(({ oid }) => oid === '2.5.29.17')).toBe(true)
    await tamper(open.row.id, { tbs_der: tbsDer })
    await isRefused(open)
  })

  it('with a CSR that is noise', async () => {
    const open = await openIntent()
    await tamper(open.row.id, { csr_der: crypto.getRandomValues(new Uint8Array(200)) })
    await isRefused(open)
  })

  it('made out to a later time, certificate and created_at alike', async () => {
    const open = await openIntent()
    const later = (date: Date) => new Date(date.getTime() + 3_000 * 86_400_000)
    await tamper(open.row.id, {
      created_at: later(open.row.createdAt),
      tbs_der: rebuilt(open.row.tbsDer, { notAfter: later(parseTbsCertificate(open.row.tbsDer).notAfter) })
    })
    await isRefused(open)
  })

  it('made out to a sooner time, all of its validity and created_at alike, which its id does not have', async () => {
    const open = await openIntent()
    const { notBefore, notAfter } = parseTbsCertificate(open.row.tbsDer)
    const sooner = (date: Date) => new Date(date.getTime() - 600_000)
    await tamper(open.row.id, {
      created_at: sooner(open.row.createdAt),
      tbs_der: rebuilt(open.row.tbsDer, { notBefore: sooner(notBefore), notAfter: sooner(notAfter) })
    })
    await isRefused(open)
  })
})

describe('an honest open intent is completed', () => {
  it('where the profile drops what the CSR holds and writes a fixed value', async () => {
    const subject = { ...starterProfile.subject, Organization: { rule: 'fixed' as const, value: 'Acme' } }
    await issuing.profiles.post(
      { ...starterProfile, name: 'fixing', subject, dropAttributes: ['Organization'] },
      administrator
    )
    const open = await openIntent('fixing', { Organization: 'Theirs' })
    expect(parseTbsCertificate(open.row.tbsDer).subject.Organization).toBe('Acme')
    const { record } = await issuing.issue(open.csr, 'fixing')
    expect(record.id).toBe(open.row.id)
  })

  it('without waiting for a clock that ran ahead', async () => {
    let aheadMs = 3_600_000
    const clock = () => new Date(Date.now() + aheadMs)
    const other = await startIssuing(test.database, directory.path, {
      clock,
      wrapSigner: signing.wrap,
      resumeAfterMs: 100
    })
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `ahead-${++last}` })
    signing.isAway = true
    await expect(other.issue(csr)).rejects.toThrow('away')
    signing.isAway = false
    aheadMs = 0
    const { replayed } = await other.issue(csr)
    expect(replayed).toBe(true)
  })
})
