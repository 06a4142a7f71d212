import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPrivateKeys, readPublicKeys, type Sent } from '../../../src/factory/private-keys/private-keys.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'

let desk: TemporaryDirectory

const at = (name: string) => join(desk.path, name)
const read = (name: string) => readFileSync(at(name))
const text = (name: string) => read(name).toString('latin1')
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: desk.path, stdio: 'pipe' })
const bytesOf = (content: string | Uint8Array): Sent => ({ bytes: Buffer.from(content) })
const base64 = (name: string) => read(name).toString('base64')

/** What openssl calls the key's public half. */
function fingerprintOf(name: string): string {
  return hash('sha256', openssl('pkey', '-in', name, '-pubout', '-outform', 'DER'))
}

async function readFrom(sent: Sent) {
  const found = findPrivateKeys(sent)
  if (found === undefined) return undefined
  const { proven, claimed, isAnySealed } = await readPublicKeys(found)
  const toHex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')
  return { proven: proven.map(toHex), claimed: claimed.map(toHex), isAnySealed }
}

/** Of the keys that are proven to have been sent. */
const fingerprintsIn = async (sent: Sent) => (await readFrom(sent))?.proven

beforeAll(async () => {
  desk = await createTemporaryDirectory()
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.pem')
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', 'p384.pem')
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'rsa.pem')
  openssl('genpkey', '-algorithm', 'ED25519', '-out', 'ed.pem')
  openssl('ec', '-in', 'ec.pem', '-out', 'ec.sec1.pem')
  openssl('ec', '-in', 'ec.pem', '-outform', 'DER', '-out', 'ec.sec1.der')
  openssl('ec', '-in', 'ec.pem', '-conv_form', 'compressed', '-out', 'ec.compressed.pem')
  openssl('ec', '-in', 'ec.pem', '-no_public', '-out', 'ec.bare.pem')
  openssl('rsa', '-in', 'rsa.pem', '-traditional', '-out', 'rsa.pkcs1.pem')
  openssl('rsa', '-in', 'rsa.pem', '-traditional', '-outform', 'DER', '-out', 'rsa.pkcs1.der')
  for (const name of ['ec', 'rsa', 'ed', 'p384']) {
    openssl('pkey', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`)
  }
  const encryption = ['-aes-256-cbc', '-passout', 'pass:secret']
  openssl(
    'pkcs8',
    '-topk8',
    '-in',
    'ec.pem',
    '-v2',
    'aes-256-cbc',
    '-passout',
    'pass:secret',
    '-out',
    'ec.enc.pem'
  )
  openssl(
    ...['pkcs8', '-topk8', '-in', 'ec.pem', '-v2', 'aes-256-cbc', '-passout', 'pass:secret'],
    ...['-outform', 'DER', '-out', 'ec.enc.der']
  )
  openssl('rsa', '-in', 'rsa.pem', '-traditional', ...encryption, '-out', 'rsa.enc.pem')
  openssl('req', '-new', '-key', 'ec.pem', '-subj', '/C=DE/CN=device-1', '-out', 'ec.csr')
  openssl('req', '-new', '-key', 'ec.pem', '-subj', '/C=DE/CN=device-1', '-outform', 'DER', '-out', 'csr.der')
  openssl('req', '-x509', '-key', 'ec.pem', '-subj', '/CN=device-1', '-days', '9', '-out', 'certificate.pem')
  openssl(
    ...['pkcs12', '-export', '-inkey', 'ec.pem', '-in', 'certificate.pem', '-passout', 'pass:secret'],
    ...['-out', 'ec.p12']
  )
  openssl(
    'req',
    '-new',
    '-key',
    'rsa.pem',
    '-subj',
    '/C=DE/CN=device-2',
    '-outform',
    'DER',
    '-out',
    'rsa-csr.der'
  )
})
afterAll(() => desk.remove())

describe('a private key that openssl wrote', needs('openssl'), () => {
  it.each<[string, string, () => Sent]>([
    ['PKCS#8 in PEM', 'ec.pem', () => bytesOf(read('ec.pem'))],
    ['PKCS#8 of RSA in PEM', 'rsa.pem', () => bytesOf(read('rsa.pem'))],
    ['PKCS#8 of Ed25519 in PEM', 'ed.pem', () => bytesOf(read('ed.pem'))],
    ['PKCS#8 on P-384 in PEM', 'p384.pem', () => bytesOf(read('p384.pem'))],
    ['SEC 1 in PEM', 'ec.pem', () => bytesOf(read('ec.sec1.pem'))],
    ['SEC 1 in PEM, its point compressed', 'ec.pem', () => bytesOf(read('ec.compressed.pem'))],
    ['SEC 1 in PEM, without its point', 'ec.pem', () => bytesOf(read('ec.bare.pem'))],
    ['PKCS#1 in PEM', 'rsa.pem', () => bytesOf(read('rsa.pkcs1.pem'))],
    ['PKCS#8 in DER', 'ec.pem', () => bytesOf(read('ec.der'))],
    ['PKCS#8 of RSA in DER', 'rsa.pem', () => bytesOf(read('rsa.der'))],
    ['PKCS#8 of Ed25519 in DER', 'ed.pem', () => bytesOf(read('ed.der'))],
    ['SEC 1 in DER', 'ec.pem', () => bytesOf(read('ec.sec1.der'))],
    ['PKCS#1 in DER', 'rsa.pem', () => bytesOf(read('rsa.pkcs1.der'))],
    ['base64 of DER', 'ec.pem', () => bytesOf(base64('ec.der'))],
    ['base64 of PEM', 'ec.pem', () => bytesOf(base64('ec.pem'))],
    ['hexadecimal of DER', 'ec.pem', () => bytesOf(read('ec.der').toString('hex'))],
    ['in front of the CSR', 'ec.pem', () => bytesOf(text('ec.pem') + text('ec.csr'))],
    ['behind the CSR', 'ec.pem', () => bytesOf(text('ec.csr') + text('ec.pem'))],
    [
      'in DER behind the CSR in DER',
      'ec.pem',
      () => bytesOf(Buffer.concat([read('csr.der'), read('ec.der')]))
    ],
    ['with its line ends lost', 'ec.pem', () => bytesOf(text('ec.pem').replaceAll('\n', ''))],
    ['with its line ends as \\n', 'ec.pem', () => bytesOf(text('ec.pem').replaceAll('\n', '\\n'))],
    ['with its END line lost', 'ec.pem', () => bytesOf(text('ec.pem').replace(/-----END.*/, ''))],
    ['with typographic dashes', 'ec.pem', () => ({ values: [text('ec.pem').replaceAll('-----', '–––––')] })],
    ['in UTF-16', 'ec.pem', () => bytesOf(Buffer.from(`\ufeff${text('ec.pem')}`, 'utf16le'))],
    [
      'as a CSR by its label',
      'ec.pem',
      () => bytesOf(text('ec.pem').replaceAll('PRIVATE KEY', 'CERTIFICATE REQUEST'))
    ],
    ['in a form', 'ec.pem', () => bytesOf(`csr=${text('ec.pem')}`)],
    ['in an encoded form', 'ec.pem', () => bytesOf(new URLSearchParams({ csr: text('ec.pem') }).toString())],
    ['in JSON', 'ec.pem', () => ({ values: [{ csr: text('ec.pem') }] })],
    ['as base64 of DER in JSON', 'rsa.pem', () => ({ values: [{ a: [{ csr: base64('rsa.der') }] }] })],
    [
      'as base64 of 48 octets in JSON',
      'ed.pem',
      () => ({ values: [{ metadata: { key: base64('ed.der') } }] })
    ],
    ['as base64 of DER behind a name', 'rsa.pem', () => bytesOf(`key: ${base64('rsa.der')}; x`)],
    [
      'as base64 in lines',
      'rsa.pem',
      () => bytesOf(`key:\n${base64('rsa.der').replace(/.{64}/g, '  $&\n')}`)
    ],
    [
      'in JSON in a string of JSON',
      'ec.pem',
      () => ({ values: [{ body: JSON.stringify({ k: text('ec.pem') }) }] })
    ],
    ['in JSON that nobody parsed', 'ec.pem', () => bytesOf(`{"csr": "${text('ec.pem')}"`)],
    ['cut off behind the scalar', 'ec.pem', () => bytesOf(read('ec.der').subarray(0, 90))]
  ])('is found: %s', async (_name, key, sent) => {
    expect(await fingerprintsIn(sent())).toEqual([fingerprintOf(key)])
  })

  it.each<[string, () => Sent]>([
    ['PKCS#8 in PEM', () => bytesOf(read('ec.enc.pem'))],
    ['PKCS#8 in DER', () => bytesOf(read('ec.enc.der'))],
    ['base64 of PKCS#8 in DER', () => ({ values: [base64('ec.enc.der')] })],
    ['PKCS#1 in PEM of old', () => bytesOf(read('rsa.enc.pem'))],
    ['a PKCS#12 file', () => bytesOf(read('ec.p12'))],
    ['what `openssl pkey -text` prints', () => bytesOf(openssl('pkey', '-in', 'ec.pem', '-text', '-noout'))]
  ])('is found and not read where it is sealed: %s', async (_name, sent) => {
    expect(await readFrom(sent())).toEqual({ proven: [], claimed: [], isAnySealed: true })
  })

  it('is found, and its public half not taken as proven, where too little of it is left: cut off, of RSA', async () => {
    const cutOff = bytesOf(read('rsa.pkcs1.der').subarray(0, 900))
    expect(await readFrom(cutOff)).toEqual({
      proven: [],
      claimed: [fingerprintOf('rsa.pem')],
      isAnySealed: false
    })
  })

  it('is found as a JWK', async () => {
    const jwk = createPrivateKey(read('ec.pem')).export({ format: 'jwk' })
    expect(await fingerprintsIn({ values: [{ keys: [jwk] }] })).toEqual([fingerprintOf('ec.pem')])
    expect(await fingerprintsIn(bytesOf(JSON.stringify(jwk)))).toEqual([fingerprintOf('ec.pem')])
    const publicJwk = createPublicKey(read('ec.pem')).export({ format: 'jwk' })
    expect(await fingerprintsIn({ values: [publicJwk] })).toBeUndefined()
  })

  it('leaves several keys apart', async () => {
    const found = await fingerprintsIn(bytesOf(text('ec.pem') + text('rsa.pem') + text('ec.sec1.pem')))
    expect(found).toEqual([fingerprintOf('ec.pem'), fingerprintOf('rsa.pem')])
  })
})

describe('a key of ssh-keygen', needs('openssl', 'ssh-keygen'), () => {
  it.each([
    ['ecdsa', '256', ''],
    ['rsa', '2048', ''],
    ['ecdsa', '384', 'secret']
  ])('is found, encrypted or not: %s %s %s', async (type, bits, passphrase) => {
    const name = `ssh-${type}-${bits}`
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', passphrase, '-f', at(name)])
    const found = await readFrom(bytesOf(read(name)))
    execFileSync('ssh-keygen', ['-q', '-p', '-P', passphrase, '-N', '', '-m', 'PEM', '-f', at(name)])
    const own = [fingerprintOf(name)]
    // Under encryption, the public half alone can be read.
    expect(found).toMatchObject(passphrase === '' ? { proven: own } : { proven: [], claimed: own })
  })

  it.each(['', 'secret'])('of Ed25519 as well, with the passphrase "%s"', async passphrase => {
    const name = `ssh-ed25519-${passphrase}`
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', at(name)])
    const found = await readFrom(bytesOf(read(name)))
    expect([found?.proven.length, found?.claimed.length]).toEqual(passphrase === '' ? [1, 0] : [0, 1])
  })
})

/** Anybody can write another's public half beside a private key of his own. */
describe('the public half of another key', needs('openssl'), () => {
  const jwkOf = (name: string) => createPrivateKey(read(name)).export({ format: 'jwk' })
  const publicJwkOf = (name: string) => createPublicKey(read(name)).export({ format: 'jwk' })
  const xmlOf = ({ n, e, d, p, q, dp, dq, qi }: ReturnType<typeof jwkOf>) => {
    const members = { Modulus: n, Exponent: e, D: d, P: p, Q: q, DP: dp, DQ: dq, InverseQ: qi }
    const elements = Object.entries(members).map(
      ([name, value]) => `<${name}>${Buffer.from(value!, 'base64url').toString('base64')}</${name}>`
    )
    return `<RSAKeyValue>${elements.join('')}</RSAKeyValue>`
  }
  const withoutPoint = () => createPrivateKey(read('other.pem')).export({ type: 'sec1', format: 'der' })
  const pointOf = (name: string) => {
    const { x, y } = publicJwkOf(name)
    return Buffer.concat([Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])
  }

  beforeAll(() => {
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'other.pem')
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'other-rsa.pem')
  })

  it('is not taken from SEC 1: the point follows from the scalar', async () => {
    const forged = Buffer.from(withoutPoint())
    pointOf('ec.pem').copy(forged, forged.length - 65)
    expect(await readFrom(bytesOf(forged))).toMatchObject({ proven: [fingerprintOf('other.pem')] })
  })

  it('is not taken as proven from a JWK or from XML', async () => {
    const rsa = { ...jwkOf('other-rsa.pem'), ...publicJwkOf('rsa.pem') }
    const forms = [{ values: [rsa] }, bytesOf(xmlOf(rsa))]
    for (const sent of forms) {
      expect(await readFrom(sent)).toMatchObject({ proven: [], claimed: [fingerprintOf('rsa.pem')] })
    }
    const ec = { ...jwkOf('other.pem'), ...publicJwkOf('ec.pem') }
    expect((await readFrom({ values: [ec] }))?.proven).toEqual([])
    expect(await fingerprintsIn(bytesOf(xmlOf(jwkOf('rsa.pem'))))).toEqual([fingerprintOf('rsa.pem')])
  })

  it('is not taken as proven from PKCS#1', async () => {
    const forged = Buffer.from(
      createPrivateKey(read('other-rsa.pem')).export({ type: 'pkcs1', format: 'der' })
    )
    const modulusOf = (name: string) => Buffer.from(publicJwkOf(name).n!, 'base64url')
    modulusOf('rsa.pem').copy(forged, forged.indexOf(modulusOf('other-rsa.pem')))
    expect(await readFrom(bytesOf(forged))).toMatchObject({ proven: [], claimed: [fingerprintOf('rsa.pem')] })
  })

  it('is not taken as proven from PuTTY, nor from a file of OpenSSH', needs('ssh-keygen'), async () => {
    const sshOf = (name: string) => {
      execFileSync('cp', [at(name), at(`${name}.own`)])
      execFileSync('chmod', ['600', at(`${name}.own`)])
      return Buffer.from(
        execFileSync('ssh-keygen', ['-y', '-f', at(`${name}.own`)])
          .toString()
          .split(' ')[1]!,
        'base64'
      )
    }
    const putty = (publicKey: Buffer, scalar: Buffer) =>
      `PuTTY-User-Key-File-2: ecdsa-sha2-nistp256\nEncryption: none\nComment: x\nPublic-Lines: 3\n${publicKey.toString('base64')}\nPrivate-Lines: 1\n${Buffer.concat([Buffer.of(0, 0, 0, scalar.length), scalar]).toString('base64')}\nPrivate-MAC: 00\n`
    const scalarOf = (name: string) => Buffer.from(jwkOf(name).d!, 'base64url')
    expect(await fingerprintsIn(bytesOf(putty(sshOf('ec.pem'), scalarOf('ec.pem'))))).toEqual([
      fingerprintOf('ec.pem')
    ])
    expect(await fingerprintsIn(bytesOf(putty(sshOf('ec.pem'), scalarOf('other.pem'))))).toEqual([
      fingerprintOf('other.pem')
    ])
    // Each file of several for itself, one of them encrypted.
    const sealed = putty(sshOf('other.pem'), Buffer.alloc(32)).replace(
      'Encryption: none',
      'Encryption: aes256-cbc'
    )
    const several = await readFrom(
      bytesOf(
        sealed +
          putty(sshOf('ec.pem'), scalarOf('ec.pem')) +
          xmlOf(jwkOf('rsa.pem')) +
          xmlOf(jwkOf('other-rsa.pem'))
      )
    )
    expect(several).toMatchObject({
      proven: [fingerprintOf('ec.pem'), fingerprintOf('rsa.pem'), fingerprintOf('other-rsa.pem')],
      claimed: [fingerprintOf('other.pem')]
    })
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-b', '256', '-N', '', '-f', at('forged')])
    const own = Buffer.from(text('forged').replace(/-----.*-----/g, ''), 'base64')
    const stranger = sshOf('ec.pem')
    const forged = Buffer.from(own)
    stranger.copy(forged, forged.indexOf(stranger.subarray(0, 40)))
    expect(await fingerprintsIn(bytesOf(forged))).not.toContain(fingerprintOf('ec.pem'))
  })
})

describe('a private key behind much else', needs('openssl'), () => {
  it.each<[string, () => Sent]>([
    ['marks without anything', () => bytesOf('-----BEGIN PRIVATE KEY-----\n'.repeat(70) + text('ec.pem'))],
    [
      'blocks of nothing',
      () => bytesOf('-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n'.repeat(70) + text('ec.pem'))
    ],
    [
      'blocks that are none',
      () =>
        bytesOf(
          `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(8)}\n-----END PRIVATE KEY-----\n`.repeat(70) +
            text('ec.pem')
        )
    ],
    ['certificates', () => bytesOf(text('certificate.pem').repeat(70) + base64('ec.der'))]
  ])('is found: %s', async (_name, sent) => {
    expect(await fingerprintsIn(sent())).toContain(fingerprintOf('ec.pem'))
  })
})

describe('nothing is found in', needs('openssl'), () => {
  it.each<[string, () => Sent]>([
    ['a CSR in PEM', () => bytesOf(read('ec.csr'))],
    ['a CSR in DER', () => bytesOf(read('csr.der'))],
    ['a CSR of an RSA key', () => bytesOf(read('rsa-csr.der'))],
    ['a certificate', () => bytesOf(read('certificate.pem'))],
    ['a public key', () => bytesOf(openssl('pkey', '-in', 'rsa.pem', '-pubout'))],
    [
      'a message about keys',
      () => bytesOf('Never send what is between BEGIN PRIVATE KEY and END PRIVATE KEY.')
    ],
    ['a hash', () => ({ values: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] })]
  ])('%s', async (_name, sent) => {
    expect(await fingerprintsIn(sent())).toBeUndefined()
  })
})

describe('what is hostile', needs('openssl'), () => {
  it.each<[string, string]>([
    ['marks', '-----BEGIN PRIVATE KEY-----\n'.repeat(2_340)],
    ['halves of marks', 'BEGIN '.repeat(10_000)],
    ['backslashes', '\\'.repeat(65_536)],
    ['blanks', `PuTTY-User-Key-File-2 Public-Lines: 1 ${' '.repeat(65_000)}-`],
    ['base64', `x:${'MIIA'.repeat(16_000)}`],
    ['base64 in lines', `${'MIIA'.repeat(20)}\n`.repeat(800)],
    ['line ends', '\n'.repeat(65_536)],
    ['small keys', 'MC4CAQAwBQYDK2VwBCIEIA'.repeat(2_900)],
    ['sequences', '0\x80'.repeat(32_000)],
    ['dashes', `BEGIN PRIVATE KEY\n${'-'.repeat(65_000)}x`],
    ['marks and dashes', `x\nBEGIN PRIVATE KEY${'-'.repeat(1_000)}`.repeat(64)],
    ['marks and other dashes', `x\nBEGIN PRIVATE KEY\n${'\u2010'.repeat(1_000)}`.repeat(64)],
    ['beginnings of XML', '<RSAKeyValue>'.repeat(5_000)],
    [
      'blocks of nothing',
      `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(8)}\n-----END PRIVATE KEY-----\n`.repeat(720)
    ],
    ['runs of base64', `M${'A'.repeat(60)}:`.repeat(1_050)],
    ['half a request', `-----BEGIN CERTIFICATE REQUEST-----${'\n'.repeat(65_000)}`]
  ])('a body of %s holds up nobody', async (_name, body) => {
    const bytes = bytesOf(body)
    expectWithin(await measureCpu(() => findPrivateKeys(bytes)), 50)
  })

  it('a body of many keys holds up nobody: others get their turn between them', async () => {
    const der = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'sec1',
      format: 'der'
    })
    const found = findPrivateKeys(bytesOf(Buffer.concat(Array<Buffer>(540).fill(der))))!
    let isReading = true
    let longest = 0
    const watching = (async () => {
      while (isReading) longest = Math.max(longest, await measureCpu(nextTurn))
    })()
    await readPublicKeys(found)
    isReading = false
    await watching
    expect(found.keys).toHaveLength(540)
    expectWithin(longest, 50)
  })
})
