import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { verifyAuthorityChain } from '../../../src/authorities/generations/certificate-chain.ts'
import { createAuthorityServices } from '../../../src/composition/authority-services.ts'
import { isMintlineError, type MintlineError, type Violation } from '../../../src/errors/mintline-error.ts'
import { noWeakKeys } from '../../../src/factory/weak-keys/weak-keys.ts'
import { createFirstUse } from '../../../src/issuance/first-use.ts'
import { createPreview } from '../../../src/issuance/preview.ts'
import { encodeCertificatePem } from '../../../src/pki/pem/pem.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import { loadPassphrase } from '../../../src/signing/signers/secret-file.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

vi.setConfig({ testTimeout: 60_000 })

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let passphrase: string
let count = 0

const fileNamed = (name: string) => join(directory.path, name)
const keyFileOf = (name: string) => join('authorities', `${name}.key.pem`)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: directory.path, stdio: 'pipe' })
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  passphrase = `pass:${await loadPassphrase(fileNamed('ca-passphrase'))}`
  makeAuthority('root', undefined, '')
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** The constraints have other string types than our certificates: PrintableString where these have UTF8String. */
const extensions = (constraints: string) =>
  `[req]\ndistinguished_name=req\nstring_mask=default\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n${constraints}\n`

interface AuthorityForm {
  readonly constraints: string
  readonly subject?: string
}

/** As the customer's PKI team would make it, its key under the passphrase of the key directory. */
function makeAuthority(name: string, issuer: string | undefined, form: AuthorityForm | string): void {
  const { constraints, subject = `/C=DE/O=Acme/CN=${name}` }: AuthorityForm =
    typeof form === 'string' ? { constraints: form } : form
  writeFileSync(fileNamed('ca.cnf'), extensions(constraints))
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', keyFileOf(name)]
  const issuedBy =
    issuer === undefined ? [] : ['-CA', `${issuer}.pem`, '-CAkey', keyFileOf(issuer), '-passin', passphrase]
  const options = ['-config', 'ca.cnf', '-extensions', 'ca', '-subj', subject, '-days', '7300']
  openssl('req', '-x509', ...options, ...key, '-passout', passphrase, ...issuedBy, '-out', `${name}.pem`)
}

const derOf = (file: string) => new Uint8Array(openssl('x509', '-in', file, '-outform', 'DER'))

interface Place {
  readonly line: string
  readonly generation: number
  readonly state: 'active' | 'staged'
}

/** A CA with these constraints below a root without; the active one of a line of its own, unless told. */
async function install(constraints: string, place?: Place): Promise<string> {
  const name = `made-${++count}`
  makeAuthority(name, 'root', constraints)
  const createdAt = new Date()
  await test.database.prisma.authority.create({
    data: {
      id: newId(createdAt, random),
      name,
      ...(place ?? { line: name, generation: 1, state: 'active' }),
      certificateDer: derOf(`${name}.pem`),
      issuersDer: [derOf('root.pem')],
      signer: { kind: 'local', keyFile: `${name}.key.pem` },
      createdAt
    }
  })
  await issuing.authorities.refresh()
  return name
}

const open: ProfileDocument['subject'] = {
  Country: { rule: 'allowed' },
  StateName: { rule: 'allowed' },
  Organization: { rule: 'allowed' },
  CommonName: { rule: 'required' }
}

const post = (authority: string, subject = open) =>
  issuing.profiles.post({ ...starterProfile, name: authority, authority, subject }, administrator)

function makeRequest(subject: string): Uint8Array {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'device.key')
  openssl('req', '-new', '-utf8', '-key', 'device.key', '-subj', subject, '-out', 'device.csr')
  return new Uint8Array(openssl('req', '-in', 'device.csr', '-outform', 'DER'))
}

type Verdict = 'taken' | 'refused'

/** Of what is in `device.pem`. */
function oracles(authority: string, root = 'root'): { readonly openssl: Verdict; readonly gnutls: Verdict } {
  const run = (command: string, args: string) =>
    spawnSync(command, args.split(' '), { cwd: directory.path, encoding: 'utf8' })
  const { status } = run(
    'openssl',
    `verify -x509_strict -policy_check -purpose sslclient -CAfile ${root}.pem -untrusted ${authority}.pem device.pem`
  )
  writeFileSync(
    fileNamed('whole.pem'),
    ['device', authority, root].map(name => openssl('x509', '-in', `${name}.pem`)).join('')
  )
  const { stdout } = run(
    'certtool',
    `--verify --verify-purpose 1.3.6.1.5.5.7.3.2 --load-ca-certificate ${root}.pem --infile whole.pem`
  )
  const isTaken = stdout.includes('Chain verification output: Verified.')
  return { openssl: status === 0 ? 'taken' : 'refused', gnutls: isTaken ? 'taken' : 'refused' }
}

/** The certificate that was refused, made by other means, as the verifiers would have met it. */
function certifyElsewhere(authority: string): void {
  writeFileSync(
    fileNamed('device.cnf'),
    'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nauthorityKeyIdentifier=keyid\n'
  )
  const by = ['-CA', `${authority}.pem`, '-CAkey', keyFileOf(authority), '-passin', passphrase]
  openssl(
    'x509',
    '-req',
    '-in',
    'device.csr',
    ...by,
    '-set_serial',
    '77',
    '-extfile',
    'device.cnf',
    '-out',
    'device.pem'
  )
}

async function refusalOf(attempt: () => Promise<unknown>): Promise<MintlineError | undefined> {
  try {
    await attempt()
    return undefined
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return error
  }
}

/** A constraint of a root, and the emailAddress of the CA below it. */
const mailboxes: Readonly<Record<string, readonly [constraint: string, address: string, ours: Verdict]>> = {
  'of the host': ['permitted;email:acme.com', 'pki@ACME.com', 'taken'],
  'of another host': ['permitted;email:acme.com', 'pki@other.com', 'refused'],
  'of a host below': ['permitted;email:acme.com', 'pki@mail.acme.com', 'refused'],
  'of a host below a domain': ['permitted;email:.acme.com', 'pki@mail.acme.com', 'taken'],
  'of the domain itself': ['permitted;email:.acme.com', 'pki@acme.com', 'refused'],
  'the mailbox': ['permitted;email:pki@acme.com', 'pki@acme.com', 'taken'],
  'another mailbox': ['permitted;email:pki@acme.com', 'PKI@acme.com', 'refused'],
  'of an excluded host': ['excluded;email:acme.com', 'pki@acme.com', 'refused'],
  'beside an excluded host': ['excluded;email:acme.com', 'pki@other.com', 'taken']
}

describe('the emailAddress of a CA', needs('openssl', 'certtool'), () => {
  it.each(Object.keys(mailboxes))('%s', async name => {
    const [constraint, address, ours] = mailboxes[name]!
    const [top, ca] = [`top-${++count}`, `mail-${count}`]
    makeAuthority(top, undefined, `nameConstraints=critical,${constraint}`)
    makeAuthority(ca, top, { constraints: '', subject: `/C=DE/O=Acme/CN=${ca}/emailAddress=${address}` })
    const chainPem = [ca, top].map(each => openssl('x509', '-in', `${each}.pem`).toString()).join('')
    const spkiDer = new Uint8Array(
      new X509Certificate(chainPem).publicKey.export({ type: 'spki', format: 'der' })
    )
    const refused = await refusalOf(() =>
      verifyAuthorityChain(chainPem, { spkiDer, now: new Date(), origin: 'import' })
    )
    expect(refused?.violations.map(({ pointer }) => pointer)).toEqual(
      ours === 'taken' ? undefined : ['/chain/1/nameConstraints']
    )
    makeRequest('/C=DE/O=Acme/CN=d1')
    certifyElsewhere(ca)
    // GnuTLS does not hold the subjects of CAs against constraints.
    expect(oracles(ca, top).openssl).toBe(ours)
  })
})

interface SubjectCase {
  readonly constraints: string
  readonly subject: string
  readonly ours: Verdict
  /** Where GnuTLS does not agree: it passes over permitted directory names, and refuses all below excluded ones. */
  readonly gnutls?: Verdict
  /** What the refusal tells. */
  readonly told?: string
}

const permitted = (entries: string) => `nameConstraints=critical,permitted;dirName:names\n[names]\n${entries}`
const excluded = (entries: string) => `nameConstraints=critical,excluded;dirName:names\n[names]\n${entries}`
const acme = permitted('C=DE\nO=Acme')

const cases: Readonly<Record<string, SubjectCase>> = {
  'where the CA is': { constraints: acme, subject: '/C=DE/O=Acme/CN=d1', ours: 'taken' },
  'in other letters and blanks': {
    constraints: permitted('C=DE\nO=Acme  Works'),
    subject: '/C=DE/O=ACME works/CN=d2',
    ours: 'taken'
  },
  'another organization': {
    constraints: acme,
    subject: '/C=DE/O=Other/CN=d4',
    ours: 'refused',
    gnutls: 'taken',
    told: 'Organization=Acme'
  },
  'no organization': {
    constraints: acme,
    subject: '/C=DE/CN=d5',
    ours: 'refused',
    gnutls: 'taken',
    told: 'Organization=Acme'
  },
  'a field between those that are permitted': {
    constraints: acme,
    subject: '/C=DE/ST=Bavaria/O=Acme/CN=d6',
    ours: 'refused',
    gnutls: 'taken',
    told: 'StateName=Bavaria'
  },
  'one of several that are permitted': {
    constraints:
      'nameConstraints=critical,permitted;dirName:one,permitted;dirName:two\n[one]\nC=DE\nO=Acme\n[two]\nC=DE\nO=Beta',
    subject: '/C=DE/O=Beta/CN=d7',
    ours: 'taken'
  },
  'what is excluded': {
    constraints: excluded('C=DE\nO=Beta'),
    subject: '/C=DE/O=beta/CN=d8',
    ours: 'refused',
    told: 'excluded Country=DE, Organization=Beta'
  },
  'beside what is excluded': {
    constraints: excluded('C=DE\nO=Beta'),
    subject: '/C=DE/O=Acme/CN=d9',
    ours: 'taken',
    gnutls: 'refused'
  },
  // OpenSSL takes a common name with a dot for a host's, GnuTLS that of a server alone.
  'a host name elsewhere': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: '/C=DE/O=Acme/CN=pump-1.other.com',
    ours: 'refused',
    gnutls: 'taken',
    told: 'pump-1.other.com'
  },
  'a host name that ends alike': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: '/C=DE/O=Acme/CN=pump-1.notacme.com',
    ours: 'refused',
    gnutls: 'taken',
    told: 'pump-1.notacme.com'
  },
  'a host name below': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: '/C=DE/O=Acme/CN=PUMP-1.ACME.com',
    ours: 'taken'
  },
  'a host name that is excluded': {
    constraints: 'nameConstraints=critical,excluded;DNS:acme.com',
    subject: '/C=DE/O=Acme/CN=pump-1.acme.com',
    ours: 'refused',
    gnutls: 'taken',
    told: 'excluded "acme.com"'
  },
  'no host name': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: '/C=DE/O=Acme/CN=pump 1.5',
    ours: 'taken'
  }
}

describe('the subject of a CSR', needs('openssl', 'certtool'), () => {
  it.each(Object.keys(cases))('%s', async name => {
    const { constraints, subject, ours, gnutls, told } = cases[name]!
    const authority = await install(constraints)
    await post(authority)
    const csr = makeRequest(subject)
    const preview = createPreview({
      ...issuing,
      ...issuing.core,
      weakKeys: noWeakKeys,
      publicUrl: undefined,
      firstUse: createFirstUse(issuing.core.randomBytes)
    })
    const principal = issuing.station
    const previewed = await refusalOf(() =>
      preview.preview({ kind: 'csr', csr, profile: authority, principal })
    )
    const refused = await refusalOf(async () => {
      const { record } = await issuing.issue(csr, authority)
      writeFileSync(fileNamed('device.pem'), encodeCertificatePem(record.certificateDer))
    })
    expect(previewed?.code).toBe(refused?.code)
    if (ours === 'refused') {
      expect(refused?.code).toBe('subject_refused')
      expect(refused?.violations.map(({ pointer }) => pointer)).toEqual(['/subject'])
      expect(JSON.stringify(refused?.violations)).toContain(JSON.stringify(told).slice(1, -1))
      // The CA that has the constraint.
      expect(refused?.violations[0]?.expected).toContain(`CommonName=${authority}`)
      certifyElsewhere(authority)
    } else expect(refused).toBeUndefined()
    expect(oracles(authority)).toEqual({ openssl: ours, gnutls: gnutls ?? ours })
  })
})

interface ProfileCase {
  readonly constraints: string
  readonly subject: ProfileDocument['subject']
  readonly ours: 'taken' | 'warned' | 'refused'
}

const fixed = (value: string) => ({ rule: 'fixed', value }) as const
const common = { CommonName: { rule: 'required' } } as const

const profiles: Readonly<Record<string, ProfileCase>> = {
  'fields that are fixed to what is permitted': {
    constraints: acme,
    subject: { Country: fixed('DE'), Organization: fixed('ACME'), ...common },
    ours: 'taken'
  },
  'a field that is fixed elsewhere': {
    constraints: acme,
    subject: { Country: fixed('DE'), Organization: fixed('Other'), ...common },
    ours: 'refused'
  },
  'a field that is not in it': {
    constraints: acme,
    subject: { Country: fixed('DE'), ...common },
    ours: 'refused'
  },
  'a field between that must be there': {
    constraints: acme,
    subject: { Country: fixed('DE'), Locality: { rule: 'required' }, Organization: fixed('Acme'), ...common },
    ours: 'refused'
  },
  'a field between that may be there': {
    constraints: acme,
    subject: { Country: fixed('DE'), Locality: { rule: 'allowed' }, Organization: fixed('Acme'), ...common },
    ours: 'warned'
  },
  'a field that may be anything': {
    constraints: acme,
    subject: { Country: fixed('DE'), Organization: { rule: 'required' }, ...common },
    ours: 'warned'
  },
  'values, one of which is permitted': {
    constraints: acme,
    subject: {
      Country: fixed('DE'),
      Organization: { rule: 'required', values: ['Beta', 'acme'] },
      ...common
    },
    ours: 'warned'
  },
  'values, none of which is permitted': {
    constraints: acme,
    subject: {
      Country: fixed('DE'),
      Organization: { rule: 'required', values: ['Beta', 'Gamma'] },
      ...common
    },
    ours: 'refused'
  },
  'values, all of which are permitted': {
    constraints:
      'nameConstraints=critical,permitted;dirName:one,permitted;dirName:two\n[one]\nC=DE\nO=Acme\n[two]\nC=DE\nO=Beta',
    subject: {
      Country: fixed('DE'),
      Organization: { rule: 'required', values: ['Acme', 'Beta'] },
      ...common
    },
    ours: 'taken'
  },
  'a pattern that takes it in other letters': {
    constraints: permitted('C=DE\nO=Acme'),
    subject: { Country: fixed('DE'), Organization: { rule: 'required', pattern: 'ac[mM]E' }, ...common },
    ours: 'taken'
  },
  'a pattern that does not take it': {
    constraints: permitted('C=DE\nO=Acme'),
    subject: { Country: fixed('DE'), Organization: { rule: 'required', pattern: '[0-9]+' }, ...common },
    ours: 'refused'
  },
  'a field that is fixed to what is excluded': {
    constraints: excluded('C=DE\nO=Acme'),
    subject: { Country: fixed('DE'), Organization: fixed('acme'), ...common },
    ours: 'refused'
  },
  'a field that may be what is excluded': {
    constraints: excluded('C=DE\nO=Acme'),
    subject: { Country: fixed('DE'), Organization: { rule: 'allowed' }, ...common },
    ours: 'warned'
  },
  'host names that may be anything': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: common,
    ours: 'warned'
  },
  'host names elsewhere': {
    constraints: 'nameConstraints=critical,permitted;DNS:acme.com',
    subject: { CommonName: { rule: 'required', values: ['a.other.com', 'b.other.com'] } },
    ours: 'refused'
  },
  'mailboxes, which no device has': {
    constraints: 'nameConstraints=critical,permitted;email:acme.com',
    subject: common,
    ours: 'taken'
  }
}

describe('a profile under a CA with name constraints', needs('openssl'), () => {
  it.each(Object.keys(profiles))('%s', async name => {
    const { constraints, subject, ours } = profiles[name]!
    const authority = await install(constraints)
    let warnings: readonly Violation[] = []
    const refused = await refusalOf(async () => {
      ;({ warnings } = await post(authority, subject))
    })
    expect(refused?.code).toBe(ours === 'refused' ? 'profile_invalid' : undefined)
    const told = [...warnings, ...(refused?.violations ?? [])].filter(({ expected }) =>
      expected.includes(`of ${authority}`)
    )
    expect(told.map(({ pointer }) => pointer)).toEqual(ours === 'taken' ? [] : ['/subject'])
  })

  it.each(Object.keys(profiles))('%s, once a rotation brings them, as its plan tells', async name => {
    const { constraints, subject, ours } = profiles[name]!
    const line = `rotated-${++count}`
    await install('', { line, generation: 1, state: 'active' })
    await post(line, subject)
    await install(constraints, { line, generation: 2, state: 'staged' })
    const { administration } = createAuthorityServices(issuing.core, { listRegistrationGaps: async () => [] })
    const { missing, warnings } = await administration.plan(line)
    const place = `/profiles/${line}/subject`
    const isTold = (told: readonly Violation[]) => told.some(({ pointer }) => pointer === place)
    expect([isTold(missing), isTold(warnings)]).toEqual([ours === 'refused', ours === 'warned'])
  })

  it('is not on record when it is refused', async () => {
    const authority = await install(acme)
    await expect(post(authority, { Country: fixed('FR'), ...common })).rejects.toMatchObject({
      code: 'profile_invalid'
    })
    await expect(issuing.profiles.find(authority)).rejects.toMatchObject({ code: 'profile_not_found' })
  })
})
