import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLines } from '../../../src/authorities/lines.ts'
import { findWarnings, lifetimeWarnings } from '../../../src/authorities/rotation/warnings.ts'
import { encodeCertificatePem } from '../../../src/pki/pem/pem.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { createTestAdministration } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let rootEnd: Date
let administration: ReturnType<typeof createTestAdministration>

const fileNamed = (name: string) => join(directory.path, name)
const openssl = (args: string) =>
  execFileSync('openssl', args.split(' '), { cwd: directory.path, stdio: 'pipe' })

const configuration = `[req]
distinguished_name=req
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
`

/** A CA of ten years below a root that has five days left. */
beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  writeFileSync(fileNamed('ca.cnf'), configuration)
  const make = (name: string, options: string) =>
    openssl(
      `req -x509 -config ca.cnf -extensions ca -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -subj /O=Acme/CN=${name} -out ${name}.pem ${options}`
    )
  make('root', '-days 5')
  make('short', '-days 3650 -CA root.pem -CAkey root.key')
  rootEnd = new Date(new X509Certificate(readFileSync(fileNamed('root.pem'))).validTo)
  administration = createTestAdministration(test.database, directory.path)
  const chainPem = ['short', 'root'].map(name => readFileSync(fileNamed(`${name}.pem`), 'utf8')).join('')
  const privateKey = createPrivateKey(readFileSync(fileNamed('short.key')))
  await administration.creation.importKey({ line: 'short', privateKey, chainPem }, administrator)
  await administration.administration.activate('short-g1', administrator)
  await issuing.authorities.refresh()
})

afterAll(async () => {
  await administration.authorities.close()
  await test.drop()
  await directory.remove()
})

const post = (name: string, validity: ProfileDocument['validity']) =>
  issuing.profiles.post({ ...starterProfile, name, authority: 'short', validity }, administrator)

const request = (CommonName: string) => makeCertificationRequest({ Country: 'DE', CommonName })

/** As a verifier sees it so many days from now. */
function verifies(certificateDer: Uint8Array, days: number): boolean {
  writeFileSync(fileNamed('device.pem'), encodeCertificatePem(certificateDer))
  const time = Math.floor(Date.now() / 1000) + days * 86_400
  const args = `verify -x509_strict -purpose sslclient -attime ${time} -CAfile root.pem -untrusted short.pem device.pem`
  return spawnSync('openssl', args.split(' '), { cwd: directory.path }).status === 0
}

describe('a root that ends before the CA below it', needs('openssl'), () => {
  it('ends the certificates of devices', async () => {
    await post('short-lived', { days: 3650, whenIssuerExpiresFirst: 'shorten' })
    const { record } = await issuing.issue(request('device-1'), 'short-lived')
    const { validTo } = new X509Certificate(record.certificateDer)
    expect(new Date(validTo)).toEqual(rootEnd)
    expect(verifies(record.certificateDer, 4)).toBe(true)
    expect(verifies(record.certificateDer, 6)).toBe(false)
  })

  it('is named where the profile refuses less than it asks for', async () => {
    const { warnings } = await post('whole', { days: 365, whenIssuerExpiresFirst: 'refuse' })
    expect(warnings.find(({ pointer }) => pointer === '/validity')?.expected).toMatch(
      /4 days.*CommonName=root/
    )
    await expect(issuing.issue(request('device-2'), 'whole')).rejects.toMatchObject({
      code: 'authority_expires_first',
      detail: expect.stringContaining('CommonName=root') as unknown
    })
  })

  it('is named by warnings, plan and readiness', async () => {
    const authorities = issuing.authorities.list()
    const need = { profile: 'whole', line: 'short', validityDays: 365 }
    const [warning] = findWarnings(authorities, [need], new Date()).filter(
      each => each.authority === 'short-g1'
    )
    expect(warning).toMatchObject({ kind: 'expires_within_validity' })
    expect(warning?.message).toMatch(/CommonName=root.*4 days left/)
    expect(lifetimeWarnings(authorities, { ...need, validityDays: 3 }, new Date())).toEqual([])
    const inSixDays = new Date(Date.now() + 6 * 86_400_000)
    const { obstacle } = await createLines(issuing.authorities, () => inSixDays).judge('short')
    expect(obstacle).toMatchObject({ code: 'authority_expires_first' })
    expect(obstacle?.detail).toContain('CommonName=root')
  })

  it('is what a rotation is planned by', async () => {
    openssl(
      'req -x509 -config ca.cnf -extensions ca -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout next.key -subj /O=Acme/CN=next -out next.pem -days 3650 -CA root.pem -CAkey root.key'
    )
    const chainPem = ['next', 'root'].map(name => readFileSync(fileNamed(`${name}.pem`), 'utf8')).join('')
    const privateKey = createPrivateKey(readFileSync(fileNamed('next.key')))
    await administration.creation.importKey({ line: 'short', privateKey, chainPem }, administrator)
    const other = createTestAdministration(test.database, directory.path, {
      listNeeds: async () => [{ profile: 'whole', line: 'short', validityDays: 365 }]
    })
    const { missing } = await other.administration.plan('short')
    await other.authorities.close()
    expect(missing).toMatchObject([{ pointer: '/profiles/whole/validity', found: '4 days left' }])
    expect(missing[0]?.message).toContain('CommonName=root')
  })
  it('keeps a generation from being activated once it has ended', async () => {
    const clock = () => new Date(Date.now() + 6 * 86_400_000)
    const late = createTestAdministration(test.database, directory.path, { clock })
    await expect(late.administration.activate('short-g2', administrator)).rejects.toMatchObject({
      code: 'authority_invalid',
      detail: expect.stringContaining('CommonName=root') as unknown
    })
    await late.authorities.close()
  })
})
