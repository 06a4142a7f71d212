import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgePair, type PairText } from '../../src/tls/server-pair.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { type MadePair, makePair, openssl } from './pairs.ts'

const settings = { certificate: 'CERT', key: 'KEY' }
/** Certificates are made after this module was loaded. */
const now = new Date(Date.now() + 86_400_000)
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000)

let directory: TemporaryDirectory
let good: MadePair
let other: MadePair

const make = (name: string, request = {}) => makePair(directory.path, name, request)
const inDirectory = (name: string) => join(directory.path, name)
const read = (command: string) => openssl(command).toString()

const pointersOf = (text: PairText) => judgePair(text, settings, now).violations.map(({ pointer }) => pointer)

/** Each is one fault away from a pair that can be used. */
const refused: readonly (readonly [flaw: string, setting: string, text: () => PairText])[] = [
  ['the key of another certificate', 'KEY', () => ({ ...good, keyPem: other.keyPem })],
  [
    'the certificate of the key after another one',
    'CERT',
    () => ({ ...good, certificatePem: other.certificatePem + good.certificatePem })
  ],
  [
    'an encrypted key (PKCS#8)',
    'KEY',
    () => ({ ...good, keyPem: read(`pkcs8 -topk8 -in ${good.keyFile} -passout pass:secret`) })
  ],
  [
    'an encrypted key (SEC 1)',
    'KEY',
    () => ({ ...good, keyPem: read(`ec -in ${good.keyFile} -aes128 -passout pass:secret`) })
  ],
  [
    'a certificate in DER',
    'CERT',
    () => ({
      ...good,
      certificatePem: openssl(`x509 -in ${good.certificateFile} -outform DER`).toString('latin1')
    })
  ],
  [
    'a key in DER',
    'KEY',
    () => ({ ...good, keyPem: openssl(`pkey -in ${good.keyFile} -outform DER`).toString('latin1') })
  ],
  ['files changed for each other', 'CERT', () => ({ certificatePem: good.keyPem, keyPem: good.keyPem })],
  ['a certificate cut off', 'CERT', () => ({ ...good, certificatePem: good.certificatePem.slice(0, -100) })],
  [
    'a damaged certificate in the chain',
    'CERT',
    () => ({
      ...good,
      certificatePem: `${good.certificatePem}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`
    })
  ],
  [
    'a damaged key',
    'KEY',
    () => ({ ...good, keyPem: '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n' })
  ],
  [
    'a certificate for clients',
    'CERT',
    () => make('client', { extensions: ['extendedKeyUsage=clientAuth', 'subjectAltName=DNS:localhost'] })
  ],
  [
    'an RSA key that is too short',
    'CERT',
    () => make('short', { key: '-algorithm RSA -pkeyopt rsa_keygen_bits:1024' })
  ]
]

describe('a certificate and key of a server', needs('openssl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    good = make('good')
    other = make('other')
  })
  afterAll(() => directory.remove())

  it.each(refused)('are refused with the setting: %s', (_flaw, setting, text) => {
    expect(pointersOf(text())).toEqual([setting])
  })

  it('are refused both where both are at fault', () => {
    expect(pointersOf({ certificatePem: 'x', keyPem: 'x' })).toEqual(['CERT', 'KEY'])
  })

  it.each([
    ['EC', () => good],
    ['RSA', () => make('rsa', { key: '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' })],
    ['Ed25519', () => make('ed25519', { key: '-algorithm ED25519' })],
    [
      'EC, the key as openssl ecparam writes it',
      () => {
        openssl(`ecparam -name prime256v1 -genkey -out ${inDirectory('ecparam.key')}`)
        const request = `req -x509 -new -key ${inDirectory('ecparam.key')} -subj /CN=x -addext subjectAltName=DNS:x -days 90`
        return { certificatePem: read(request), keyPem: read(`ec -in ${inDirectory('ecparam.key')}`) }
      }
    ],
    [
      'with those above it',
      () => ({ ...good, certificatePem: `text\n${good.certificatePem}\n${other.certificatePem}` })
    ],
    [
      'for a server by name',
      () => make('server', { extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:x'] })
    ]
  ])('are taken: %s', (_what, text) => {
    expect(judgePair(text(), settings, now)).toMatchObject({ violations: [], warnings: [], pair: {} })
  })

  it.each([
    ['in the last thirty days', () => good, inDays(61)],
    ['after the end', () => good, inDays(91)],
    ['before the beginning', () => good, inDays(-2)],
    ['without names', () => make('nameless', { extensions: [] }), now]
  ])('are warned of %s', (_what, text, at) => {
    const { pair, warnings } = judgePair(text(), settings, at)
    expect(pair).toBeDefined()
    expect(warnings.map(({ pointer }) => pointer)).toEqual(['CERT'])
  })
})
