import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encryptPrivateKey,
  loadPrivateKey,
  writeSecretFile
} from '../../../../src/signing/signers/local/key-file.ts'
import { createSignerOpener } from '../../../../src/signing/signers/open-signer.ts'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'

let directory: TemporaryDirectory
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const passphrase = 'a passphrase with a space'

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})

afterAll(() => directory.remove())

const fileNamed = (name: string) => join(directory.path, name)

describe('an encrypted key', () => {
  it('is opened with its passphrase, and by openssl', needs('openssl'), async () => {
    const file = fileNamed('ca.key.pem')
    await writeSecretFile(file, await encryptPrivateKey(privateKey, passphrase))
    expect((await loadPrivateKey(file, passphrase)).equals(privateKey)).toBe(true)
    const byOpenssl = execFileSync('openssl', ['pkey', '-in', file, '-passin', `pass:${passphrase}`])
    expect(byOpenssl.toString()).toBe(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  })

  it('says to openssl that it is scrypt and AES-256', needs('openssl'), async () => {
    const file = fileNamed('described.pem')
    await writeSecretFile(file, await encryptPrivateKey(privateKey, passphrase))
    const shown = execFileSync('openssl', ['asn1parse', '-in', file]).toString()
    expect(shown).toMatch(/1\.3\.6\.1\.4\.1\.11591\.4\.11|scrypt/)
    expect(shown).toContain('aes-256-cbc')
  })

  it('has the lines of RFC 7468', async () => {
    const [, ...lines] = (await encryptPrivateKey(privateKey, passphrase)).trimEnd().split('\n')
    const lengths = lines.slice(0, -1).map(({ length }) => length)
    expect(new Set(lengths.slice(0, -1))).toEqual(new Set([64]))
    expect(lengths.at(-1)).toBeLessThanOrEqual(64)
  })

  it('is never the same twice', async () => {
    expect(await encryptPrivateKey(privateKey, passphrase)).not.toBe(
      await encryptPrivateKey(privateKey, passphrase)
    )
  })

  it.each([
    [
      'with another passphrase',
      async (file: string) => writeFile(file, await encryptPrivateKey(privateKey, 'other'))
    ],
    ['that is damaged', (file: string) => writeFile(file, 'no key')],
    ['that is missing', () => Promise.resolve()]
  ])('%s is refused, and no passphrase is shown', async (name, make) => {
    const file = fileNamed(`${name}.pem`)
    await make(file)
    const error: unknown = await loadPrivateKey(file, passphrase).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'key_unusable' })
    expect(String((error as Error).message)).not.toContain(passphrase)
  })
})

describe('writeSecretFile', () => {
  it('leaves a file for its owner alone, also over an open one', async () => {
    const file = fileNamed('secret')
    await writeFile(file, 'old', { mode: 0o644 })
    await writeSecretFile(file, 'new')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toBe('new')
  })
})

describe('the signer opener', () => {
  const open = (reference: object) =>
    createSignerOpener({ keyDirectory: directory.path, passphraseFile: fileNamed('passphrase') })(
      reference as never
    )

  it.each([
    ['an unknown kind', { kind: 'carrier-pigeon', keyFile: 'ca.key.pem' }],
    ['a file outside the key directory', { kind: 'local', keyFile: '../ca.key.pem' }],
    ['a missing passphrase file', { kind: 'local', keyFile: 'ca.key.pem' }]
  ])('refuses %s', async (_, reference) => {
    await expect(open(reference)).rejects.toMatchObject({ code: 'key_unusable' })
  })

  it('refuses an empty passphrase', async () => {
    await writeFile(fileNamed('passphrase'), '\nsecond line\n')
    await expect(open({ kind: 'local', keyFile: 'ca.key.pem' })).rejects.toMatchObject({
      code: 'key_unusable'
    })
  })
})
