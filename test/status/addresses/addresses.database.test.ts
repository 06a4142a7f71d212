import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/config.ts'
import { createPreview } from '../../../src/issuance/preview.ts'
import { parseCertificate } from '../../../src/pki/certificate/certificate.ts'
import { extensionOids } from '../../../src/pki/certificate/extension.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import type { IssuedRecord } from '../../../src/records/record.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { changeRow, rebuilt } from '../../support/forgery/forgery.ts'
import { WatchedSigning } from '../../support/forgery/watched-signing.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const before = 'http://pki.example.com'
const all: Partial<ProfileDocument> = {
  crlDistributionPoint: 'full',
  authorityInformationAccess: ['ocsp', 'caIssuers']
}

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
/** The same service, started again with another address, and with none. */
let moved: Issuing
let bare: Issuing
/** With none any more. */
let left: Issuing
const signing = new WatchedSigning()

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  const start = (settings: Readonly<Record<string, string>>) =>
    startIssuing(test.database, directory.path, { wrapSigner: signing.wrap, resumeAfterMs: 0, settings })
  issuing = await start({ MINTLINE_PUBLIC_URL: `${before}/` })
  moved = await start({
    MINTLINE_PUBLIC_URL: 'https://elsewhere.example/pki',
    MINTLINE_FORMER_PUBLIC_URLS: `http://first.example, ${before}/`
  })
  bare = await start({})
  left = await start({ MINTLINE_FORMER_PUBLIC_URLS: before })
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let last = 0
const makeCsr = () => makeCertificationRequest({ Country: 'US', CommonName: `addressed-${++last}` })

async function post(name: string, members: Partial<ProfileDocument>): Promise<string> {
  await issuing.profiles.post({ ...starterProfile, ...members, name }, administrator)
  for (const other of [moved, bare, left]) await other.profiles.refresh()
  return name
}

/** The values of both extensions, as text that their addresses can be read in. */
function extensionsOf(certificateDer: Uint8Array) {
  const { extensions } = parseCertificate(certificateDer)
  const valueOf = (oid: string) => extensions.all.find(extension => extension.oid === oid)
  return {
    points: valueOf(extensionOids.crlDistributionPoints),
    access: valueOf(extensionOids.authorityInformationAccess)
  }
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('latin1')
const certificateOf = ({ record }: { readonly record: IssuedRecord }) => record.certificateDer

async function openIntent(profile: string, by = issuing) {
  const csr = makeCsr()
  signing.isAway = true
  await expect(by.issue(csr, profile)).rejects.toThrow('away')
  signing.isAway = false
  return { csr, row: await test.database.prisma.intent.findFirstOrThrow({ orderBy: { id: 'desc' } }) }
}

describe('the addresses in a certificate', () => {
  it('are none unless the profile asks for them', async () => {
    expect(extensionsOf(certificateOf(await issuing.issue(makeCsr())))).toEqual({
      points: undefined,
      access: undefined
    })
  })

  it('are those of the generation that signed it, in the forms of RFC 5280', async () => {
    const profile = await post('addressed', all)
    const { points, access } = extensionsOf(certificateOf(await issuing.issue(makeCsr(), profile)))
    const uri = (address: string) => `86${address.length.toString(16)}${Buffer.from(address).toString('hex')}`
    const crl = uri(`${before}/v1/authorities/starter-g1/crl`)
    const length = crl.length / 2
    const [inner, middle, outer, whole] = [length, length + 2, length + 4, length + 6].map(octets =>
      octets.toString(16)
    )
    expect(hex(points?.value)).toBe(`30${whole}30${outer}a0${middle}a0${inner}${crl}`)
    const ocsp = uri(`${before}/v1/ocsp/starter-g1`)
    const issuers = uri(`${before}/v1/authorities/starter-g1/certificate.cer`)
    expect(hex(access?.value)).toContain(`06082b06010505073001${ocsp}`)
    expect(hex(access?.value)).toContain(`06082b06010505073002${issuers}`)
    expect([points?.critical, access?.critical]).toEqual([false, false])
  })

  it.each<[string, Partial<ProfileDocument>, object]>([
    ['the CRL alone', { crlDistributionPoint: 'full' }, { hasPoints: true, paths: [] }],
    [
      'OCSP alone',
      { authorityInformationAccess: ['ocsp'] },
      { hasPoints: false, paths: ['/v1/ocsp/starter-g1'] }
    ],
    [
      'the issuer alone',
      { authorityInformationAccess: ['caIssuers'] },
      { hasPoints: false, paths: ['/v1/authorities/starter-g1/certificate.cer'] }
    ]
  ])('are %s where the profile asks for no more', async (name, members, expected) => {
    const profile = await post(name.replaceAll(' ', '-').toLowerCase(), members)
    const { points, access } = extensionsOf(certificateOf(await issuing.issue(makeCsr(), profile)))
    const paths = text(access?.value).match(/\/v1\/[\w/.-]+/g) ?? []
    expect({ hasPoints: points !== undefined, paths }).toEqual(expected)
  })

  it('cost as many octets as the documentation says', async () => {
    const [plain, profile] = [await post('plain', {}), await post('weighed', all)]
    const size = async (of: string) => {
      const [record] = await test.database.prisma.intent.findMany({
        where: { id: (await issuing.issue(makeCsr(), of)).record.id }
      })
      return record!.tbsDer.length
    }
    const addresses = [
      '/v1/authorities/starter-g1/crl',
      '/v1/ocsp/starter-g1',
      '/v1/authorities/starter-g1/certificate.cer'
    ]
    const octets = addresses.reduce((sum, path) => sum + before.length + path.length, 0)
    // 19 for the distribution point, 16 for the access, 14 for each address of it; lengths beyond 127 take an octet or two more.
    const least = 19 + 16 + 2 * 14 + octets
    const more = (await size(profile)) - (await size(plain))
    expect(more).toBeGreaterThanOrEqual(least)
    expect(more).toBeLessThanOrEqual(least + 8)
  })
})

describe('without MINTLINE_PUBLIC_URL', () => {
  it.each<[string, Partial<ProfileDocument>, readonly string[]]>([
    ['crlDistributionPoint', { crlDistributionPoint: 'full' }, ['/crlDistributionPoint']],
    ['both', all, ['/crlDistributionPoint', '/authorityInformationAccess']]
  ])('a profile with %s is refused', async (_, members, pointers) => {
    const posting = bare.profiles.post({ ...starterProfile, ...members, name: 'refused' }, administrator)
    await expect(posting).rejects.toMatchObject({
      code: 'profile_invalid',
      violations: pointers.map(pointer => ({
        pointer,
        message: expect.stringContaining('MINTLINE_PUBLIC_URL') as string
      }))
    })
  })

  it('a profile from before gets nothing signed, and is told of', async () => {
    const profile = await post('unaddressed', all)
    const { signatures } = signing
    await expect(bare.issue(makeCsr(), profile)).rejects.toMatchObject({ code: 'authority_unavailable' })
    expect(signing.signatures).toBe(signatures)
    expect(await bare.core.listWarnings()).toContainEqual(
      expect.objectContaining({ kind: 'public_url_missing', authority: 'starter' })
    )
    expect((await issuing.core.listWarnings()).map(({ kind }) => kind)).not.toContain('public_url_missing')
  })

  it('a preview is refused as the issuance would be', async () => {
    const profile = await post('previewed', all)
    const previewBy = ({ core, ...parts }: Issuing) =>
      createPreview({
        ...core,
        ...parts,
        publicUrl: core.config.publicUrl,
        weakKeys: { assertUnlisted: () => undefined },
        firstUse: { assertSound: async () => undefined }
      }).preview({ kind: 'csr', csr: makeCsr(), profile, principal: parts.station })
    await expect(previewBy(bare)).rejects.toMatchObject({ code: 'authority_unavailable' })
    await expect(previewBy(issuing)).resolves.toMatchObject({ profile })
  })
})

describe('an intent that was cut off', () => {
  it('is completed after the address has changed, with the one that it was written with', async () => {
    const profile = await post('moving', all)
    const { csr, row } = await openIntent(profile)
    const { record } = await moved.issue(csr, profile)
    expect(record.id).toBe(row.id)
    expect(text(extensionsOf(record.certificateDer).points?.value)).toContain(`${before}/v1/authorities/`)
    const next = certificateOf(await moved.issue(makeCsr(), profile))
    expect(text(extensionsOf(next).points?.value)).toContain('https://elsewhere.example/pki/v1/authorities/')
  })

  it('is completed where there is no address any more', async () => {
    const profile = await post('leaving', all)
    const { csr, row } = await openIntent(profile)
    expect((await left.issue(csr, profile)).record.id).toBe(row.id)
  })

  it('is not completed with an address that no setting names, and says how it could be', async () => {
    const profile = await post('unnamed', all)
    const { csr, row } = await openIntent(profile)
    const { signatures } = signing
    await expect(bare.issue(csr, profile)).rejects.toMatchObject({
      code: 'record_damaged',
      detail: expect.stringContaining('MINTLINE_FORMER_PUBLIC_URLS') as string,
      violations: [{ pointer: '/addresses', found: before }],
      members: { earlierIssuance: { id: row.id } }
    })
    expect(signing.signatures).toBe(signatures)
    expect((await left.issue(csr, profile)).record.id).toBe(row.id)
  })

  const addressesUnder = (url: string) => ({
    crl: `${url}/v1/authorities/starter-g1/crl`,
    ocsp: `${url}/v1/ocsp/starter-g1`,
    caIssuers: `${url}/v1/authorities/starter-g1/certificate.cer`
  })
  const base = `${before}/v1`
  const right = addressesUnder(before)
  it.each<[string, object]>([
    ['without its addresses', {}],
    ['without the CRL', { ocsp: right.ocsp, caIssuers: right.caIssuers }],
    ['without OCSP', { crl: right.crl, caIssuers: right.caIssuers }],
    ['with the CRL of another generation', { ...right, crl: `${base}/authorities/starter-g2/crl` }],
    ['of another host', addressesUnder('http://other.example')],
    ['of a host that begins alike', addressesUnder(`${before}.example`)],
    ['with two services', { ...right, ocsp: 'http://other.example/v1/ocsp/starter-g1' }],
    ['with a query', { ...right, crl: `${before}/?/v1/authorities/starter-g1/crl` }],
    [
      'with another scheme',
      Object.fromEntries(
        Object.entries(right).map(([member, uri]) => [member, uri.replace('http:', 'ldap:')])
      )
    ]
  ])('is not signed %s', async (_, addresses) => {
    const profile = await post('forged', all)
    const { csr, row } = await openIntent(profile)
    await changeRow(test.owner, {
      table: 'intent',
      id: row.id,
      columns: { tbs_der: rebuilt(row.tbsDer, { addresses }) }
    })
    const { signatures } = signing
    await expect(issuing.issue(csr, profile)).rejects.toMatchObject({ code: 'record_damaged' })
    expect(signing.signatures).toBe(signatures)
  })

  it('is not signed with addresses that its profile does not ask for', async () => {
    const { csr, row } = await openIntent('starter')
    await changeRow(test.owner, {
      table: 'intent',
      id: row.id,
      columns: { tbs_der: rebuilt(row.tbsDer, { addresses: right }) }
    })
    await expect(issuing.issue(csr, 'starter')).rejects.toMatchObject({ code: 'record_damaged' })
  })
})

describe('MINTLINE_PUBLIC_URL', () => {
  it.each(['pki.example.com', 'ftp://pki.example.com', 'http://pki.example.com/?a=b'])(
    'refuses %s',
    found => {
      const { violations } = readConfig({ MINTLINE_DATA_DIR: '/tmp', MINTLINE_PUBLIC_URL: found })
      expect(violations).toMatchObject([{ pointer: 'MINTLINE_PUBLIC_URL', found }])
    }
  )

  it('was another before, as MINTLINE_FORMER_PUBLIC_URLS says: at most twenty addresses', () => {
    const read = (urls: string) =>
      readConfig({ MINTLINE_DATA_DIR: '/tmp', MINTLINE_FORMER_PUBLIC_URLS: urls })
    expect(read('http://one.example/, https://two.example').violations).toEqual([])
    const many = Array.from({ length: 21 }, (_, index) => `http://pki-${index}.example`)
    expect(read(many.slice(1).join(',')).violations).toEqual([])
    for (const refused of [many.join(','), 'http://one.example,', 'http://one.example,ftp://two.example'])
      expect(read(refused).violations).toMatchObject([{ pointer: 'MINTLINE_FORMER_PUBLIC_URLS' }])
  })

  it('does not repeat a password', () => {
    const { violations } = readConfig({
      MINTLINE_DATA_DIR: '/tmp',
      MINTLINE_PUBLIC_URL: 'http://me:hush@pki.example.com'
    })
    expect(JSON.stringify(violations)).not.toContain('hush')
  })

  it('is warned of where it is https', async () => {
    const { warnings } = await moved.profiles.post(
      { ...starterProfile, ...all, name: 'over-tls' },
      administrator
    )
    expect(warnings.map(({ pointer }) => pointer)).toContain('/crlDistributionPoint')
    const other = await issuing.profiles.post({ ...starterProfile, ...all, name: 'in-clear' }, administrator)
    expect(other.warnings.map(({ pointer }) => pointer)).not.toContain('/crlDistributionPoint')
  })
})
