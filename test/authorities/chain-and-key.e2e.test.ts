import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAuthorities } from '../../src/authorities/authority.ts'
import { createAuthorityStore } from '../../src/authorities/authority-store.ts'
import { createLines } from '../../src/authorities/lines.ts'
import { encodeChainPem } from '../../src/pki/pem/pem.ts'
import { encryptPrivateKey, loadPrivateKey } from '../../src/signing/signers/local/key-file.ts'
import { createSignerOpener } from '../../src/signing/signers/open-signer.ts'
import { loadPassphrase } from '../../src/signing/signers/secret-file.ts'
import type { SignerReference } from '../../src/signing/signers/signer-reference.ts'
import { newId } from '../../src/sources/identifier.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { rsaKeyPair } from '../pki/key/rsa-key.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let passphrase: string

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  passphrase = await loadPassphrase(fileNamed('ca-passphrase'))
  await writeFile(fileNamed('ca.cnf'), configuration)
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const fileNamed = (name: string) => join(directory.path, name)
const keyFileOf = (name: string) => join(directory.path, 'authorities', `${name}.key.pem`)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: directory.path, encoding: 'utf8', stdio: 'pipe' })

const configuration = `[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`

/** A CA as the customer's PKI team would make it, its key under the passphrase of the key directory. */
function makeAuthority(name: string, issuer?: string): Uint8Array {
  const passphraseArgument = `pass:${passphrase}`
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', keyFileOf(name)]
  const issuedBy =
    issuer === undefined
      ? []
      : ['-CA', `${issuer}.pem`, '-CAkey', keyFileOf(issuer), '-passin', passphraseArgument]
  const form = ['-config', 'ca.cnf', '-extensions', 'ca', '-subj', `/O=Acme/CN=${name}`, '-days', '7300']
  openssl('req', '-x509', ...form, ...key, '-passout', passphraseArgument, ...issuedBy, '-out', `${name}.pem`)
  return certificateOf(`${name}.pem`)
}

function certificateOf(file: string): Uint8Array {
  return new Uint8Array(execFileSync('openssl', ['x509', '-in', fileNamed(file), '-outform', 'DER']))
}

/** Puts an active authority on record, and a profile of the same name that uses it. */
async function install(name: string, issuersDer: readonly Uint8Array[]): Promise<void> {
  const createdAt = new Date()
  await test.database.prisma.authority.create({
    data: {
      id: newId(createdAt, size => crypto.getRandomValues(new Uint8Array(size))),
      name,
      line: name,
      generation: 1,
      state: 'active',
      certificateDer: new Uint8Array(certificateOf(`${name}.pem`)),
      issuersDer: issuersDer.map(der => new Uint8Array(der)),
      signer: { kind: 'local', keyFile: `${name}.key.pem` },
      createdAt
    }
  })
  await issuing.profiles.post({ ...starterProfile, name, authority: name }, administrator)
}

async function issueChain(profile: string, commonName: string): Promise<readonly Uint8Array[]> {
  const csr = makeCertificationRequest({ Country: 'DE', CommonName: commonName })
  const { record } = await issuing.issue(csr, profile)
  expect(await issuing.records.find(record.id)).toEqual(record)
  return record.chainDer
}

/** As a TLS server does that trusts the root alone: with what the device presents. */
async function verifyWithOpenssl(chainDer: readonly Uint8Array[], rootFile: string): Promise<string> {
  await writeFile(fileNamed('device.pem'), encodeChainPem(chainDer.slice(0, 1)))
  await writeFile(fileNamed('presented.pem'), encodeChainPem(chainDer.slice(1)))
  const trust = ['-no-CApath', '-no-CAstore', '-CAfile', rootFile, '-untrusted', 'presented.pem']
  return openssl('verify', '-x509_strict', '-purpose', 'sslclient', ...trust, 'device.pem')
}

function keyFileNameOf(reference: SignerReference): string {
  if (reference.kind === 'local') return reference.keyFile
  throw new Error(`${reference.kind} has no key file`)
}

const hexOf = (chainDer: readonly Uint8Array[]) => chainDer.map(der => Buffer.from(der).toString('hex'))

describe('the chain of a device', needs('openssl'), () => {
  it('ends below the root: the issuing CA, then the intermediates above it', async () => {
    const root = makeAuthority('acme-root')
    const intermediates = [
      makeAuthority('acme-europe', 'acme-root'),
      makeAuthority('acme-plant', 'acme-europe')
    ].reverse()
    const issuer = makeAuthority('acme-devices', 'acme-plant')
    await install('acme-devices', [...intermediates, root])
    const chainDer = await issueChain('acme-devices', 'below-intermediates')
    expect(hexOf(chainDer.slice(1))).toEqual(hexOf([issuer, ...intermediates]))
    expect(await verifyWithOpenssl(chainDer, 'acme-root.pem')).toBe('device.pem: OK\n')
  })

  it('of a CA right below the root is that CA', async () => {
    const root = makeAuthority('small-root')
    const issuer = makeAuthority('small-devices', 'small-root')
    await install('small-devices', [root])
    const chainDer = await issueChain('small-devices', 'below-root')
    expect(hexOf(chainDer.slice(1))).toEqual(hexOf([issuer]))
    expect(await verifyWithOpenssl(chainDer, 'small-root.pem')).toBe('device.pem: OK\n')
  })

  it('has the issuing CA also when that is self-signed', async () => {
    const chainDer = await issueChain('starter', 'below-self-signed')
    const [, issuer] = chainDer.map(der => new X509Certificate(der))
    expect(chainDer).toHaveLength(2)
    expect([issuer!.subject, issuer!.verify(issuer!.publicKey)]).toEqual([issuer!.issuer, true])
    await writeFile(fileNamed('starter.pem'), encodeChainPem(chainDer.slice(1)))
    expect(await verifyWithOpenssl(chainDer, 'starter.pem')).toBe('device.pem: OK\n')
  })
})

describe('the key of an authority', () => {
  let keyFile: string
  let rightPem: string

  beforeAll(async () => {
    const stored = await createAuthorityStore(test.database).list()
    const { signer } = stored.find(({ line }) => line === 'starter')!
    keyFile = join(directory.path, 'authorities', keyFileNameOf(signer))
    rightPem = await readFile(keyFile, 'utf8')
  })

  afterEach(() => writeFile(keyFile, rightPem))

  const openAuthorities = () =>
    createAuthorities({
      store: createAuthorityStore(test.database),
      openSigner: createSignerOpener({
        keyDirectory: fileNamed('authorities'),
        passphraseFile: fileNamed('ca-passphrase')
      })
    })
  const replaceKey = async (key: KeyObject, underPassphrase = passphrase) =>
    writeFile(keyFile, await encryptPrivateKey(key, underPassphrase))

  it.each<readonly [string, () => Promise<void>]>([
    ['is another key', () => replaceKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['is of another kind', () => replaceKey(rsaKeyPair().privateKey)],
    [
      'is under another passphrase',
      async () => replaceKey(await loadPrivateKey(keyFile, passphrase), `${passphrase} `)
    ],
    ['is missing', () => rm(keyFile)]
  ])('that %s keeps it from issuing, until the right one is back', async (_, spoil) => {
    await spoil()
    const authorities = openAuthorities()
    await authorities.refresh()
    const { obstacle } = await createLines(authorities, () => new Date()).judge('starter')
    expect(obstacle?.code).toBe('authority_unavailable')
    expect(obstacle?.detail).toMatch(/starter-g1.*MINTLINE_/)
    await expect(authorities.issuing('starter')).rejects.toMatchObject({
      code: 'authority_unavailable',
      cause: { code: 'key_unusable' }
    })
    await writeFile(keyFile, rightPem)
    await authorities.refresh()
    const { signer, publicKey } = await authorities.issuing('starter')
    const bytes = Buffer.from('to be signed')
    expect(verify('sha256', bytes, publicKey, await signer.sign(bytes))).toBe(true)
    await authorities.close()
  })
})
