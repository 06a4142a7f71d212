import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { StoredAuthority } from '../../src/authorities/authority-store.ts'
import { crossContent } from '../../src/authorities/certificates/cross-signing.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../src/pki/certificate/authority/certificate.ts'
import { assembleCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import { buildName } from '../../src/pki/name/name.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import { encodeCertificatePem, encodePem } from '../../src/pki/pem/pem.ts'
import { act, selfSigned } from '../support/authority-administration.ts'
import { needs } from '../support/needs/needs.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

vi.setConfig({ testTimeout: 60_000 })

type Verdict = 'taken' | 'refused'

interface Verdicts {
  /** Where the extension stands in the issuing CA, in the root above it, in the issuer of a cross certificate. */
  readonly own: Verdict
  readonly above: Verdict
  readonly cross: Verdict
}

interface Kind {
  /** Lines of an openssl extension file. */
  readonly extension: string
  /** The certificate's name space is to have this subject in it. */
  readonly subject?: Subject
  /** Ours, by RFC 5280. */
  readonly ours: Verdict | Verdicts
  /** Of each oracle where it does not agree, and the comment says why. */
  readonly openssl?: Verdict
  readonly gnutls?: Verdict | Partial<Verdicts>
  /** In place of the basicConstraints of the CA that has the extension. */
  readonly basicConstraints?: string
}

const acme: Subject = { Country: 'DE', Organization: 'Acme', CommonName: 'device-0001' }
const names = (entries: string) => `dirName:names\n[names]\n${entries}`
const permitted = (entries: string) => `nameConstraints=critical,permitted;${names(entries)}`
const excluded = (entries: string) => `nameConstraints=critical,excluded;${names(entries)}`
/** The CAs of the test are `C=DE, O=Acme, CN=...` as well. */
const belowIt: Verdicts = { own: 'taken', above: 'refused', cross: 'refused' }

const kinds: Readonly<Record<string, Kind>> = {
  'no extension': { extension: '', ours: 'taken' },
  'permitted: where all of it is': { extension: permitted('C=DE\nO=Acme'), ours: 'taken' },
  'permitted: in other letters and blanks': { extension: permitted('C=de\nO=  ACME '), ours: 'taken' },
  // GnuTLS passes over permitted directory names.
  'permitted: where the CAs are not': {
    extension: permitted('C=DE\nO=Other'),
    subject: { ...acme, Organization: 'Other' },
    ours: belowIt,
    gnutls: 'taken'
  },
  'permitted: out of the order that subjects have': {
    extension: permitted('O=Acme\nC=DE'),
    ours: 'refused',
    gnutls: 'taken'
  },
  'permitted: types that no subject has': {
    extension: permitted('0.DC=com\n1.DC=acme'),
    ours: 'refused',
    gnutls: 'taken'
  },
  'permitted: not critical': {
    extension: permitted('0.DC=com').replace('critical,', ''),
    ours: 'refused',
    gnutls: 'taken'
  },
  'excluded: all that is permitted': {
    extension: `nameConstraints=critical,permitted;dirName:names,excluded;dirName:outer\n[names]\nC=DE\nO=Acme\n[outer]\nC=DE`,
    ours: 'refused'
  },
  // GnuTLS refuses all that is below excluded directory names.
  'excluded: others': { extension: excluded('C=DE\nO=Other'), ours: 'taken', gnutls: 'refused' },
  'excluded: where the CAs are': {
    extension: excluded('C=DE\nO=Acme'),
    subject: { ...acme, Organization: 'Other' },
    ours: belowIt,
    gnutls: 'refused'
  },
  ...Object.fromEntries(
    ['DNS:acme.com', 'email:acme.com', 'IP:10.0.0.0/255.0.0.0', 'URI:.acme.com'].flatMap(base => [
      [`permitted: ${base}`, { extension: `nameConstraints=critical,permitted;${base}`, ours: 'taken' }],
      [`excluded: ${base}`, { extension: `nameConstraints=critical,excluded;${base}`, ours: 'taken' }]
    ])
  ),
  // A form of which no certificate has a name (RFC 5280 §4.2.1.10); GnuTLS does not look whether one has.
  'permitted: a registered id': {
    extension: 'nameConstraints=critical,permitted;RID:1.2.3.4',
    ours: 'taken',
    gnutls: 'refused'
  },
  // GnuTLS takes a critical policyConstraints for unknown, and one that is not critical for nothing. A root's counts for
  // nothing (RFC 5280 §6.1.1).
  'an explicit policy at once': {
    extension: 'policyConstraints=critical,requireExplicitPolicy:0',
    ours: { own: 'refused', above: 'taken', cross: 'refused' },
    gnutls: 'refused'
  },
  'an explicit policy of the device': {
    extension: 'policyConstraints=critical,requireExplicitPolicy:1',
    ours: { own: 'refused', above: 'taken', cross: 'refused' },
    gnutls: 'refused'
  },
  'an explicit policy one below the device': {
    extension: 'policyConstraints=critical,requireExplicitPolicy:2',
    ours: { own: 'taken', above: 'taken', cross: 'refused' },
    gnutls: 'refused'
  },
  'an explicit policy far below': {
    extension: 'policyConstraints=critical,requireExplicitPolicy:3',
    ours: 'taken',
    gnutls: 'refused'
  },
  'an explicit policy, not critical': {
    extension: 'policyConstraints=requireExplicitPolicy:0',
    ours: { own: 'refused', above: 'taken', cross: 'refused' },
    gnutls: 'taken'
  },
  'an explicit policy and any policy': {
    extension: 'policyConstraints=critical,requireExplicitPolicy:0\ncertificatePolicies=2.5.29.32.0',
    ours: { own: 'refused', above: 'taken', cross: 'refused' },
    gnutls: 'refused'
  },
  'no policy mapping': {
    extension: 'policyConstraints=critical,inhibitPolicyMapping:0',
    ours: 'taken',
    gnutls: 'refused'
  },
  'no any policy': { extension: 'inhibitAnyPolicy=critical,0', ours: 'taken' },
  policies: { extension: 'certificatePolicies=critical,1.2.3.4', ours: 'taken' },
  'a purpose without clients': {
    extension: 'extendedKeyUsage=serverAuth',
    ours: 'refused',
    // GnuTLS does not look at the purposes of a root.
    gnutls: { above: 'taken' }
  },
  'the purpose of clients': { extension: 'extendedKeyUsage=critical,clientAuth', ours: 'taken' },
  'any purpose': {
    extension: 'extendedKeyUsage=anyExtendedKeyUsage',
    ours: 'refused',
    gnutls: { above: 'taken' }
  },
  'an unknown critical extension': { extension: '1.2.3.4.5=critical,ASN1:NULL', ours: 'refused' },
  'an unknown extension': { extension: '1.2.3.4.5=ASN1:NULL', ours: 'taken' },
  'critical distribution points': {
    extension: 'crlDistributionPoints=critical,URI:http://crl.example/a',
    ours: 'taken'
  },
  'a critical alternative name': { extension: 'subjectAltName=critical,DNS:ca.acme.com', ours: 'taken' },
  // What one of the two does not process is refused.
  'a critical alternative name of the issuer': {
    extension: 'issuerAltName=critical,DNS:ca.acme.com',
    ours: 'refused',
    gnutls: 'taken'
  },
  'a critical Netscape type': {
    extension: 'nsCertType=critical,sslCA',
    ours: 'refused',
    openssl: 'taken'
  },
  'a path length that is too short': {
    extension: '',
    basicConstraints: 'critical,CA:TRUE,pathlen:0',
    ours: { own: 'taken', above: 'refused', cross: 'refused' }
  }
}

const places = ['own', 'above', 'cross'] as const
type Place = (typeof places)[number]

const at = (place: Place, verdict: Verdict | Partial<Verdicts> | undefined): Verdict | undefined =>
  typeof verdict === 'object' ? verdict[place] : verdict

let parts: TestAdministration
let count = 0

const file = (name: string) => join(parts.data.path, name)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: parts.data.path, stdio: 'pipe' })
const keyOf = (name: string) => createPrivateKey(readFileSync(file(`${name}.key`)))

/** Writes `<name>.pem`: the CSR of the name, signed by the issuer with the extensions. */
function certify(name: string, issuer: string, kind: Pick<Kind, 'extension' | 'basicConstraints'>): string {
  const { basicConstraints = 'critical,CA:TRUE', extension } = kind
  writeFileSync(
    file('extensions.cnf'),
    `[req]\ndistinguished_name=req\nx509_extensions=v3\n[v3]\nbasicConstraints=${basicConstraints}\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n${extension}\n`
  )
  const by =
    issuer === name
      ? `-key ${name}.key`
      : `-CA ${issuer}.pem -CAkey ${issuer}.key -set_serial ${++count + 4096}`
  // `openssl x509 -req` would take ten times as long.
  openssl(...`req -x509 -in ${name}.csr ${by} -days 3650 -config extensions.cnf -out ${name}.pem`.split(' '))
  return readFileSync(file(`${name}.pem`), 'utf8')
}

const plain = { extension: '' }

/** The chain of that kind, its own certificate first; the CA whose key issues is `ca`. */
function makeChain(place: Place, kind: Kind): readonly string[] {
  const root = certify('root', 'root', place === 'above' ? kind : plain)
  if (place !== 'cross') return [certify('ca', 'root', place === 'own' ? kind : plain), root]
  const issuer = certify('issuer', 'root', kind)
  return [certify('ca', 'issuer', plain), issuer, root]
}

function oracles(chain: readonly string[], subject: Subject): { openssl: Verdict; gnutls: Verdict } {
  const issuer = parseAuthorityCertificate(new Uint8Array(new X509Certificate(chain[0]!).raw))
  const spkiDer = new Uint8Array(
    createPublicKey(readFileSync(file('device.key'))).export({ type: 'spki', format: 'der' })
  )
  const tbsDer = buildTbsCertificate({
    serialNumber: Uint8Array.of(0x45, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    signatureAlgorithm: 'ecdsa-with-SHA256',
    issuerNameDer: issuer.subjectNameDer,
    notBefore: issuer.notBefore,
    notAfter: issuer.notAfter,
    subjectNameDer: buildName(subject),
    spkiDer,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: issuer.subjectKeyIdentifier
  })
  const der = assembleCertificate(tbsDer, 'ecdsa-with-SHA256', sign('sha256', tbsDer, keyOf('ca')))
  writeFileSync(file('device.pem'), encodeCertificatePem(der))
  writeFileSync(file('between.pem'), chain.slice(0, -1).join(''))
  writeFileSync(file('whole.pem'), encodeCertificatePem(der) + chain.join(''))
  const run = (command: string, args: string) =>
    spawnSync(command, args.split(' '), { cwd: parts.data.path, encoding: 'utf8' })
  const opensslRun = run(
    'openssl',
    'verify -x509_strict -policy_check -purpose sslclient -CAfile root.pem -untrusted between.pem device.pem'
  )
  const gnutlsRun = run(
    'certtool',
    '--verify --verify-purpose 1.3.6.1.5.5.7.3.2 --load-ca-certificate root.pem --infile whole.pem'
  )
  const isTaken = gnutlsRun.stdout.includes('Chain verification output: Verified.')
  return { openssl: opensslRun.status === 0 ? 'taken' : 'refused', gnutls: isTaken ? 'taken' : 'refused' }
}

const pointers =
  /^\/certificate\/pathLength$|^\/chain\/\d(?:\/(?:nameConstraints|policyConstraints|extendedKeyUsage|extensions\/[\d.]+))?$/

/** Whatever else it throws, the test is to see. */
async function verdictOf(attempt: () => unknown): Promise<Verdict> {
  try {
    await attempt()
    return 'taken'
  } catch (error) {
    if (!isMintlineError(error, 'authority_invalid')) throw error
    expect(error.violations.length).toBeGreaterThan(0)
    for (const violation of error.violations) {
      expect(violation.pointer).toMatch(pointers)
      expect(Object.values(violation)).not.toContain('')
    }
    return 'refused'
  }
}

/** A chain goes the same way by import and by upload; what the CA has itself is tried by both. */
const ways: Readonly<Record<Place, Readonly<Record<string, (chain: readonly string[]) => unknown>>>> = {
  own: { import: importChain, upload },
  above: { upload },
  cross: { 'cross-sign': crossSign }
}

async function importChain(chain: readonly string[]): Promise<void> {
  // Keys are taken once, so that each import has a CA of its own, as the one of the chain otherwise.
  makeCa('fresh')
  const pem = certify('fresh', 'root', kindOfOwn)
  await parts.creation.importKey(
    { line: `line-${++count}x`, privateKey: keyOf('fresh'), chainPem: pem + chain.slice(1).join('') },
    act
  )
}

async function upload(chain: readonly string[]): Promise<void> {
  const external = {
    certificate: { kind: 'external' },
    subject: { Country: 'DE', Organization: 'Acme', CommonName: 'Issuing' }
  } as const
  const name = await parts.administration.create(selfSigned(`line-${++count}x`, external), act)
  writeFileSync(
    file('uploaded.csr'),
    encodePem('CERTIFICATE REQUEST', await parts.administration.findRequest(name))
  )
  const pem = certify('uploaded', 'root', kindOfOwn)
  await parts.administration.certify(name, pem + chain.slice(1).join(''), act)
}

/** What the CA that is imported or uploaded has itself. */
let kindOfOwn: Pick<Kind, 'extension' | 'basicConstraints'> = plain

/** An issuer of a kind that an import refuses today is on record where it came before that. */
function crossSign(chain: readonly string[]): void {
  const [subject, issuer, root] = chain.map(pem => new Uint8Array(new X509Certificate(pem).raw))
  const stored = (id: string, certificateDer: Uint8Array, issuersDer: readonly Uint8Array[]) =>
    ({ id, name: id, state: 'active', certificateDer, issuersDer }) as unknown as StoredAuthority
  crossContent(stored('issuer', issuer!, [root!]), stored('subject', subject!, [root!]), new Date())
}

const makeCa = (name: string, commonName = 'Issuing') => {
  openssl(...`ecparam -name prime256v1 -genkey -noout -out ${name}.key`.split(' '))
  openssl(
    'req',
    '-new',
    '-utf8',
    '-key',
    `${name}.key`,
    '-subj',
    `/C=DE/O=Acme/CN=${commonName}`,
    '-out',
    `${name}.csr`
  )
}

describe.each(places)('a constraint of the CA: %s', needs('openssl', 'certtool'), place => {
  beforeAll(async () => {
    parts = await startTestAdministration()
    makeCa('root', 'Root')
    makeCa('issuer', 'Issuer')
    makeCa('ca')
    makeCa('device')
  })

  afterAll(() => parts.stop())

  it.each(Object.keys(kinds))('%s', async name => {
    const kind = kinds[name]!
    const chain = makeChain(place, kind)
    const expected = at(place, kind.ours)!
    const verdicts = oracles(chain, kind.subject ?? acme)
    kindOfOwn = place === 'own' ? kind : plain
    const found: Record<string, Verdict> = {}
    for (const [way, attempt] of Object.entries(ways[place])) {
      found[way] = await verdictOf(() => attempt(chain))
    }
    expect({ ...found, ...verdicts }).toEqual({
      ...Object.fromEntries(Object.keys(ways[place]).map(way => [way, expected])),
      openssl: kind.openssl ?? expected,
      gnutls: at(place, kind.gnutls) ?? expected
    })
  })
})
