import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { importAuthorityKey } from '../../src/authorities/generations/import-key.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { needs } from '../support/needs/needs.ts'

const openssl = (args: string, input?: string): string =>
  execFileSync('openssl', args.split(' '), { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString()

describe('a CA key made by openssl', needs('openssl'), () => {
  let keys: Readonly<Record<'ec' | 'rsa', string>>

  beforeAll(() => {
    keys = {
      ec: openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384'),
      rsa: openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048')
    }
  })

  const isSame = (imported: string, original: string, passphrase?: string) =>
    importAuthorityKey(imported, passphrase).equals(createPrivateKey(original))

  it.each<[string, 'ec' | 'rsa', string]>([
    ['PKCS#8, EC', 'ec', ''],
    ['PKCS#8, RSA', 'rsa', ''],
    ['SEC 1', 'ec', 'ec'],
    ['PKCS#1', 'rsa', 'rsa -traditional'],
    ['PKCS#8 encrypted, EC', 'ec', 'pkcs8 -topk8 -v2 aes-256-cbc -passout pass:open-sesame'],
    ['PKCS#8 encrypted, RSA', 'rsa', 'pkcs8 -topk8 -scrypt -passout pass:open-sesame'],
    ['SEC 1 encrypted', 'ec', 'ec -aes256 -passout pass:open-sesame'],
    ['PKCS#1 encrypted', 'rsa', 'rsa -traditional -aes256 -passout pass:open-sesame']
  ])('is read as %s', (_, kind, command) => {
    const key = keys[kind]
    const written = command === '' ? key : openssl(command, key)
    expect(written.includes('ENCRYPTED')).toBe(command.includes('open-sesame'))
    expect(isSame(written, key, 'open-sesame')).toBe(true)
  })

  it('is read after its EC PARAMETERS', () => {
    const written = openssl('ecparam -name prime256v1 -genkey')
    expect(written).toContain('BEGIN EC PARAMETERS')
    expect(importAuthorityKey(written).asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
  })

  it.each(['P-256', 'P-521'])('is read on %s', curve => {
    const key = openssl(`genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${curve}`)
    expect(isSame(key, key)).toBe(true)
  })

  it.each<[string, () => string, string | undefined]>([
    [
      'encrypted, without a passphrase',
      () => openssl('ec -aes256 -passout pass:open-sesame', keys.ec),
      undefined
    ],
    [
      'encrypted with another passphrase',
      () => openssl('ec -aes256 -passout pass:open-sesame', keys.ec),
      'wrong'
    ],
    ['a public key', () => openssl('pkey -pubout', keys.ec), undefined],
    ['text', () => 'not a key', undefined],
    ['RSA of 1024 bits', () => openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024'), undefined],
    ['on secp256k1', () => openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1'), undefined],
    ['Ed25519', () => openssl('genpkey -algorithm ED25519'), undefined],
    [
      'RSA for PSS alone',
      () => openssl('genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048'),
      undefined
    ]
  ])('is refused: %s', (_, make, passphrase) => {
    const pem = make()
    expect(() => importAuthorityKey(pem, passphrase)).toThrow(
      expect.objectContaining({ code: 'key_unusable' })
    )
  })

  const der = (args: string, input: string) =>
    execFileSync('openssl', args.split(' '), { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString('latin1')

  it.each<[string, 'ec' | 'rsa', string]>([
    ['SEC 1', 'ec', 'ec -outform DER'],
    ['PKCS#1', 'rsa', 'rsa -traditional -outform DER'],
    ['PKCS#8', 'ec', 'pkcs8 -topk8 -nocrypt -outform DER'],
    ['PKCS#8 encrypted', 'rsa', 'pkcs8 -topk8 -outform DER -passout pass:open-sesame']
  ])('is read as %s in DER', (_, kind, command) => {
    expect(isSame(der(command, keys[kind]), keys[kind], 'open-sesame')).toBe(true)
  })

  it.each(['\xef\xbb\xbf', '\ufeff'])('is read behind a byte order mark', mark => {
    expect(isSame(mark + keys.ec, keys.ec)).toBe(true)
  })

  const said = (text: string, passphrase?: string): string => {
    try {
      importAuthorityKey(text, passphrase)
    } catch (error) {
      if (isMintlineError(error, 'key_unusable')) return error.detail
    }
    return 'nothing'
  }

  it.each<[string, 'ec' | 'rsa', string]>([
    ['PKCS#8', 'ec', 'pkcs8 -topk8 -passout pass:open-sesame'],
    ['PKCS#8 in DER', 'ec', 'pkcs8 -topk8 -outform DER -passout pass:open-sesame'],
    ['SEC 1', 'ec', 'ec -aes256 -passout pass:open-sesame'],
    ['PKCS#1', 'rsa', 'rsa -traditional -aes256 -passout pass:open-sesame']
  ])('tells a passphrase that is missing from a wrong one: %s', (_, kind, command) => {
    const locked = der(command, keys[kind])
    const [missing, wrong] = [said(locked), said(locked, 'wrong')]
    expect(missing).toContain('the key is encrypted: give `--passphrase-file`')
    expect(wrong).toContain('does not open it')
    expect(wrong).not.toContain('give `--passphrase-file`')
  })

  it('names a key store, and the line that splits it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintline-key-store-'))
    try {
      const [key, certificate, store] = ['key', 'certificate', 'store'].map(name => join(folder, name))
      writeFileSync(key!, keys.ec)
      openssl(`req -x509 -key ${key} -subj /CN=a -days 9 -out ${certificate}`)
      openssl(`pkcs12 -export -inkey ${key} -in ${certificate} -passout pass:x -out ${store}`)
      expect(said(readFileSync(store!, 'latin1'))).toContain('openssl pkcs12 -in FILE -nodes -nocerts')
      const split = openssl(`pkcs12 -in ${store} -nodes -nocerts -passin pass:x`)
      expect(isSame(split, keys.ec)).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
