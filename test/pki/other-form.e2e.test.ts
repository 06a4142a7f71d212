import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyAuthorityChain } from '../../src/authorities/generations/certificate-chain.ts'
import { importAuthorityKey } from '../../src/authorities/generations/import-key.ts'
import { isMintlineError, type MintlineError } from '../../src/errors/mintline-error.ts'
import { decodeCertificate } from '../../src/pki/certificate/intake.ts'
import { findOtherForm } from '../../src/pki/pem/other-form.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

let directory: TemporaryDirectory
const openssl = (args: string) =>
  execFileSync('openssl', args.split(' '), { cwd: directory.path, stdio: 'pipe' })
const read = (name: string) => new Uint8Array(readFileSync(join(directory.path, name)))

/** What each place that reads a key or a certificate says of it. */
async function said(name: string): Promise<readonly string[]> {
  const text = Buffer.from(read(name)).toString('latin1')
  const readers = [
    async () => importAuthorityKey(text),
    async () => decodeCertificate(read(name)),
    async () => verifyAuthorityChain(text, { spkiDer: new Uint8Array(), now: new Date(), origin: 'import' })
  ]
  return Promise.all(readers.map(reader => reader().then(() => 'nothing', describeRefusal)))
}

function describeRefusal(error: unknown): string {
  if (!isMintlineError(error)) throw error
  const { detail, violations }: MintlineError = error
  return [detail, ...violations.flatMap(({ found, message }) => [found, message])].join(' ')
}

/** The lines in backquotes, run one after the other with what they are to be given. */
function follow(way: string, input: string): void {
  for (const [, line] of way.matchAll(/`openssl ([^`]*)`/g)) {
    const secret = line!.includes('pkcs12') ? ' -passin pass:x' : ''
    openssl(line!.replace('FILE', input).replace('NEW', 'binary') + secret)
  }
}

describe('in the place of a key or certificates', needs('openssl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj /CN=a -days 9 -out ca.pem'
    )
    openssl('pkcs12 -export -inkey ca.key -in ca.pem -passout pass:x -out store.p12')
    openssl('base64 -in store.p12 -out store.b64')
    openssl('crl2pkcs7 -nocrl -certfile ca.pem -out bundle.p7b')
    openssl('crl2pkcs7 -nocrl -certfile ca.pem -outform DER -out bundle.der')
    openssl('base64 -in bundle.der -out bundle.b64')
  })
  afterAll(() => directory.remove())

  it.each([
    ['store.p12', 'a PKCS#12 key store'],
    ['store.b64', 'a PKCS#12 key store'],
    ['bundle.p7b', 'a PKCS#7 file'],
    ['bundle.der', 'a PKCS#7 file'],
    ['bundle.b64', 'a PKCS#7 file']
  ])('%s is named wherever one is read, and becomes PEM as it is told', async (name, what) => {
    const { way } = findOtherForm(read(name))!
    for (const text of await said(name)) expect(text).toContain(`${what}. ${way}`)
    openssl('req -x509 -key ca.key -subj /CN=before -days 9 -out chain.pem')
    follow(way, name)
    expect(decodeCertificate(read('chain.pem'))).toEqual(decodeCertificate(read('ca.pem')))
    if (!what.includes('PKCS#12')) return
    const keyOf = (file: string) => importAuthorityKey(Buffer.from(read(file)).toString('latin1'))
    expect(keyOf('key.pem').equals(keyOf('ca.key'))).toBe(true)
  })

  it.each(['ca.key', 'ca.pem'])('%s is nothing else', name => {
    expect(findOtherForm(read(name))).toBeUndefined()
  })
})
