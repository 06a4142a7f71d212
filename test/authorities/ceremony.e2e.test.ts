import { spawnSync } from 'node:child_process'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSubjectText } from '../../src/authorities/ceremony/subject-text.ts'
import type { Transcript } from '../../src/authorities/ceremony/transcript.ts'
import { runCeremony } from '../../src/cli/ceremony.ts'
import { UsageError } from '../../src/cli/command.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { encryptPrivateKey } from '../../src/signing/signers/local/key-file.ts'
import { makeCertificationRequest, signCertificationRequest } from '../support/certification-request.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const passphrase = 'a long passphrase of the test'
let folder: TemporaryDirectory
const at = (name: string) => join(folder.path, name)

interface Outcome {
  /** Of the command, or the code of the error it threw. */
  readonly result: number | string
  readonly shown: string
  readonly error: unknown
}

async function ceremony(...args: readonly string[]): Promise<Outcome> {
  let shown = ''
  const write = (text: string) => void (shown += text)
  try {
    const result = await runCeremony({ environment: {}, write, writeError: write }, args)
    return { result, shown, error: undefined }
  } catch (error) {
    if (error instanceof UsageError) return { result: 'usage', shown: error.message, error }
    if (!isMintlineError(error)) throw error
    return { result: error.code, shown, error }
  }
}

const root = (out: string, ...more: readonly string[]) =>
  ceremony(
    'root',
    ...[
      '--out',
      at(out),
      '--subject',
      'CN=Acme Root,O=Acme\\, Inc.,C=DE',
      '--passphrase-file',
      at('passphrase')
    ],
    ...more
  )

interface SignChanges {
  readonly root?: string
  readonly key?: string
  readonly csr?: string
  readonly passphrase?: string
  readonly days?: string
  readonly more?: readonly string[]
}

const sign = (out: string, changes: SignChanges = {}) => {
  const {
    root: from = 'root',
    key = `${from}/root.key.pem`,
    csr = 'ca.csr',
    days = '3650',
    more = []
  } = changes
  return ceremony(
    'sign',
    ...['--root-key', at(key), '--root-certificate', at(`${from}/root.cert.pem`), '--csr', at(csr)],
    ...[
      '--passphrase-file',
      at(changes.passphrase ?? 'passphrase'),
      '--days',
      days,
      '--out',
      at(out),
      ...more
    ]
  )
}

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder.path, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const loadTranscript = async (path: string) => JSON.parse(await readFile(at(path), 'utf8')) as Transcript

async function writeCsr(name: string, der: Uint8Array): Promise<void> {
  await writeFile(at(name), der)
}

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  await writeFile(at('passphrase'), `${passphrase}\n`)
  await writeCsr('ca.csr', makeCertificationRequest({ CommonName: 'Acme Devices G1', Organization: 'Acme' }))
  expect((await root('root', '--operator', 'Ada', '--operator', 'Grace')).result).toBe(0)
})

afterAll(() => folder.remove())

describe('a root', () => {
  it('is a CA of the subject, key and validity that were asked for', async () => {
    const certificate = new X509Certificate(await readFile(at('root/root.cert.pem')))
    expect([certificate.ca, certificate.verify(certificate.publicKey)]).toEqual([true, true])
    expect(certificate.subject.split('\n').sort()).toEqual(['C=DE', 'CN=Acme Root', 'O=Acme\\, Inc.'])
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' })
    expect(certificate.validToDate.getTime() - certificate.validFromDate.getTime()).toBe(7_300 * 86_400_000)
  })

  it.each([
    ['P-256', 'prime256v1'],
    ['P-521', 'secp521r1']
  ])('has the key type %s when told so', async (key, namedCurve) => {
    await root(`root-${key}`, '--key', key)
    const certificate = new X509Certificate(await readFile(at(`root-${key}/root.cert.pem`)))
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve })
  })

  it('leaves a key for its owner alone, and all else for everyone', async () => {
    const modes = await Promise.all(
      (await readdir(at('root')))
        .sort()
        .map(async name => [name, (await stat(at(`root/${name}`))).mode & 0o777])
    )
    expect(modes).toEqual([
      ['root.cert.pem', 0o644],
      ['root.key.pem', 0o600],
      ['root.transcript.json', 0o644],
      ['root.transcript.txt', 0o644]
    ])
    expect((await stat(at('root'))).mode & 0o777).toBe(0o700)
  })

  it('has a key that openssl opens with the passphrase', needs('openssl'), async () => {
    const { status, output } = run(
      'openssl',
      'pkey',
      '-in',
      'root/root.key.pem',
      '-passin',
      `pass:${passphrase}`,
      '-pubout'
    )
    const { publicKey } = new X509Certificate(await readFile(at('root/root.cert.pem')))
    expect([status, output]).toEqual([0, publicKey.export({ type: 'spki', format: 'pem' })])
  })

  it('is never written over', async () => {
    const before = await readFile(at('root/root.key.pem'))
    expect((await root('root')).result).toBe('authority_exists')
    expect(await readFile(at('root/root.key.pem'))).toEqual(before)
  })

  it('leaves no key behind when a file of its folder is there already', async () => {
    expect((await sign('half')).result).toBe(0)
    await writeFile(at('half/root.transcript.txt'), 'of an earlier day')
    expect((await root('half')).result).toBe('authority_exists')
    expect(await readdir(at('half'))).not.toContain('root.key.pem')
  })

  it.each<[string, readonly string[], number | string]>([
    ['an unknown key type', ['--key', 'P-192'], 'usage'],
    ['days that are no number', ['--days', 'ten'], 'usage'],
    ['no days', ['--days', '0'], 'usage'],
    ['an unknown flag', ['--dayz', '10'], 'usage'],
    ['a country of three letters', ['--subject', 'CN=Root,C=DEU'], 'subject_refused'],
    ['a passphrase file that is not there', ['--passphrase-file', '/nonexistent/file'], 'key_unusable']
  ])('is refused with %s', async (name, flags, result) => {
    expect((await root(`refused ${name}`, ...flags)).result).toBe(result)
    await expect(stat(at(`refused ${name}`))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('an issuing authority', () => {
  beforeAll(async () => {
    expect((await sign('issuing', { more: ['--operator', 'Ada'] })).result).toBe(0)
  })

  it('is a CA below the root with path length 0', async () => {
    const [certificate, issuer] = await Promise.all(
      ['issuing/authority.cert.pem', 'root/root.cert.pem'].map(
        async name => new X509Certificate(await readFile(at(name)))
      )
    )
    expect([
      certificate!.ca,
      certificate!.checkIssued(issuer!),
      certificate!.verify(issuer!.publicKey)
    ]).toEqual([true, true, true])
    expect((await loadTranscript('issuing/authority.transcript.json')).certificates[0]).toMatchObject({
      subject: 'O=Acme,CN=Acme Devices G1',
      pathLength: 0
    })
  })

  it('and its root are accepted by openssl verify -x509_strict', needs('openssl'), () => {
    const chain = run(
      'openssl',
      'verify',
      '-x509_strict',
      '-CAfile',
      'root/root.cert.pem',
      'issuing/authority.cert.pem'
    )
    expect(chain).toEqual({ status: 0, output: 'issuing/authority.cert.pem: OK\n' })
  })

  it('and its root are accepted by certtool --verify', needs('certtool'), () => {
    const { status, output } = run(
      'certtool',
      ...[
        '--verify',
        '--load-ca-certificate',
        'root/root.cert.pem',
        '--infile',
        'issuing/authority.chain.pem'
      ]
    )
    expect([status, output.includes('Chain verification output: Verified.')]).toEqual([0, true])
  })

  it('may come with a CSR made by openssl', needs('openssl'), async () => {
    const made = run(
      'openssl',
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'openssl.key', '-out', 'openssl.csr'],
      ...['-subj', '/C=DE/O=Acme/CN=Acme Devices G2']
    )
    expect(made.status).toBe(0)
    expect((await sign('openssl-csr', { csr: 'openssl.csr' })).result).toBe(0)
    const verified = run(
      'openssl',
      'verify',
      '-x509_strict',
      '-CAfile',
      'root/root.cert.pem',
      'openssl-csr/authority.cert.pem'
    )
    expect(verified.status).toBe(0)
  })

  const makeRoot =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 9000 -keyout foreign.key -out foreign.pem'
  const keyUsage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']

  it.each([
    ['as it should be', keyUsage, ['-x509_strict']],
    ['without keyUsage', [], []]
  ])('may stand below a root made by openssl, %s', needs('openssl'), async (name, extensions, checks) => {
    const made = run(
      'openssl',
      ...makeRoot.split(' '),
      ...['-passout', `pass:${passphrase}`, '-subj', '/O=Acme/CN=Old Root', ...extensions]
    )
    expect(made.status).toBe(0)
    const outcome = await ceremony(
      'sign',
      ...['--root-key', at('foreign.key'), '--root-certificate', at('foreign.pem'), '--csr', at('ca.csr')],
      ...['--passphrase-file', at('passphrase'), '--days', '3650', '--out', at(name)]
    )
    expect(outcome.result).toBe(0)
    const issued = `${name}/authority.cert.pem`
    expect(run('openssl', 'verify', ...checks, '-CAfile', 'foreign.pem', issued).status).toBe(0)
  })
})

describe('an issuing authority is refused', () => {
  beforeAll(async () => {
    const forged = Buffer.from(makeCertificationRequest({ CommonName: 'Forged' }))
    forged.writeUInt8(forged.at(-1)! ^ 1, forged.length - 1)
    await writeCsr('forged.csr', forged)
    await writeCsr(
      'same-name.csr',
      makeCertificationRequest({ CommonName: 'Acme Root', Organization: 'Acme, Inc.', Country: 'DE' })
    )
    await writeCsr('nameless.csr', signCertificationRequest(Buffer.from('3000', 'hex'), makeKey()))
    await writeFile(at('no.csr'), 'not a CSR')
    await writeFile(at('other-passphrase'), 'another one\n')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    await writeFile(at('other.key'), await encryptPrivateKey(privateKey, passphrase))
    await root('leaf-root', '--path-length', '0')
    await root('short-root', '--days', '100')
  })

  const makeKey = () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return { privateKey, spkiDer: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) }
  }

  it.each<[string, SignChanges, string | number]>([
    ['a wrong passphrase', { passphrase: 'other-passphrase' }, 'key_unusable'],
    ['the key of another root', { key: 'other.key' }, 'key_unusable'],
    ['a CSR with a bad signature', { csr: 'forged.csr' }, 'csr_signature_invalid'],
    ['a CSR that is none', { csr: 'no.csr' }, 'csr_malformed'],
    ['a CSR that is not there', { csr: 'missing.csr' }, 'usage'],
    ["the root's own name", { csr: 'same-name.csr' }, 'authority_invalid'],
    ['no name', { csr: 'nameless.csr' }, 'lint_failed'],
    ['a validity beyond that of the root', { root: 'short-root', days: '101' }, 'authority_expires_first'],
    ['a root of path length 0', { root: 'leaf-root' }, 'authority_invalid'],
    ['a path length that the root does not allow', { more: ['--path-length', '1'] }, 'authority_invalid']
  ])('with %s', async (name, changes, result) => {
    const outcome = await sign(`refused ${name}`, changes)
    expect(outcome.result).toBe(result)
    expect(JSON.stringify([outcome.shown, String(outcome.error)])).not.toContain(passphrase)
    await expect(stat(at(`refused ${name}`))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('below a certificate that is no CA', needs('openssl'), async () => {
    const made = run(
      'openssl',
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '9000'],
      ...['-keyout', 'leaf.key', '-passout', `pass:${passphrase}`, '-subj', '/CN=Leaf', '-out', 'leaf.pem'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE']
    )
    expect(made.status).toBe(0)
    const outcome = await ceremony(
      'sign',
      ...['--root-key', at('leaf.key'), '--root-certificate', at('leaf.pem'), '--csr', at('ca.csr')],
      ...['--passphrase-file', at('passphrase'), '--days', '10', '--out', at('below-leaf')]
    )
    expect(outcome.result).toBe('key_unusable')
  })
})

describe('a transcript', () => {
  it('is written before the certificate that it tells of', async () => {
    await sign('ordered')
    const written = async (name: string) => (await stat(at(`ordered/${name}`), { bigint: true })).mtimeNs
    const [transcript, certificate] = await Promise.all(
      ['authority.transcript.json', 'authority.cert.pem'].map(written)
    )
    // A coarse clock gives both the same time.
    expect(transcript! <= certificate!).toBe(true)
  })

  it('names time, tool, operators, and every file with its fingerprint', async () => {
    await sign('recorded', { more: ['--operator', 'Ada', '--operator', 'Grace'] })
    const transcript = await loadTranscript('recorded/authority.transcript.json')
    expect(transcript).toMatchObject({
      ceremony: 'sign',
      operators: ['Ada', 'Grace'],
      tool: { name: 'mintline' }
    })
    const inputs = ['root/root.key.pem', 'root/root.cert.pem', 'ca.csr'].map(at)
    expect(transcript.inputs.map(({ file }) => file)).toEqual(inputs)
    const outputs = ['authority.cert.pem', 'authority.chain.pem']
    expect(transcript.outputs.map(({ file }) => file)).toEqual(outputs)
    const fingerprint = async (path: string) => sha256Hex(await readFile(path))
    for (const { file, sha256Hex: noted } of transcript.inputs) expect(noted).toBe(await fingerprint(file))
    for (const { file, sha256Hex: noted } of transcript.outputs) {
      expect(noted).toBe(await fingerprint(at(`recorded/${file}`)))
    }
  })

  it('tells the serial number and the fingerprint as others compute them', async () => {
    const certificate = new X509Certificate(await readFile(at('root/root.cert.pem')))
    const [noted] = (await loadTranscript('root/root.transcript.json')).certificates
    expect(noted!.serialNumberHex).toBe(certificate.serialNumber.toLowerCase())
    expect(noted!.sha256Hex).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase())
    const text = await readFile(at('root/root.transcript.txt'), 'utf8')
    for (const value of [noted!.serialNumberHex, noted!.sha256Hex, 'Ada', 'Grace'])
      expect(text).toContain(value)
  })

  it('has its own fingerprint on the screen, and no passphrase anywhere', async () => {
    const { shown } = await root('shown')
    expect(shown).toContain(sha256Hex(await readFile(at('shown/root.transcript.json'))))
    for (const name of await readdir(at('shown'))) {
      const text = await readFile(at(`shown/${name}`), 'utf8')
      expect(text.includes(passphrase) || text.includes(sha256Hex(await readFile(at('passphrase'))))).toBe(
        false
      )
    }
    expect(shown).not.toContain(passphrase)
  })

  it('cannot be written where the folder is a file', async () => {
    await writeFile(at('a-file'), '')
    expect((await root('a-file')).result).toBe('data_directory_unusable')
  })
})

describe('a subject in text', () => {
  it.each([
    ['CN=Root', { CommonName: 'Root' }],
    [' cn = Root , O = A B ', { CommonName: 'Root', Organization: 'A B' }],
    [
      'C=DE,ST=BY,L=M,O=A,OU=B,dnQualifier=q,CN=n,serialNumber=s',
      {
        Country: 'DE',
        StateName: 'BY',
        Locality: 'M',
        Organization: 'A',
        OrganizationalUnit: 'B',
        DistinguishedNameQualifier: 'q',
        CommonName: 'n',
        SerialNumber: 's'
      }
    ],
    ['CN=a\\,b\\+c\\\\,O=x=y', { CommonName: 'a,b+c\\', Organization: 'x=y' }]
  ])('%s is read', (text, subject) => {
    expect(parseSubjectText(text)).toEqual(subject)
  })

  it.each([
    '',
    'O=Acme',
    'CN=',
    'CN=a,CN=b',
    'CN=a,X=b',
    'CN=a+O=b',
    'CN=a\\',
    'CN=a\\b',
    'CN="a"',
    'CN=a,',
    'Root'
  ])('%j is refused', text => {
    expect(() => parseSubjectText(text)).toThrow(expect.objectContaining({ code: 'subject_refused' }))
  })
})
