import { createCipheriv, type KeyObject, randomBytes, scrypt } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import * as asn1js from 'asn1js'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import { runOnKeyThread } from './key-thread.ts'

const deriveKey = promisify<Buffer | string, Buffer, number, { N: number; r: number; p: number }, Buffer>(
  scrypt
)

/** OpenSSL's own defaults for scrypt; a larger N is past the memory limit with which it opens such files. */
const scryptCost = { N: 16_384, r: 8, p: 1 }
const keyBytes = 32

/**
 * Encrypts a private key as PKCS#8 `EncryptedPrivateKeyInfo` (RFC 5958) with PBES2 (RFC 8018), scrypt (RFC 7914)
 * and AES-256-CBC, so that `openssl pkey` opens it with the same passphrase. Node offers PBKDF2 only, hence here.
 *
 * @returns PEM text.
 */
export async function encryptPrivateKey(privateKey: KeyObject, passphrase: string): Promise<string> {
  const salt = randomBytes(16)
  const initializationVector = randomBytes(16)
  const key = await deriveKey(passphrase, salt, keyBytes, scryptCost)
  const cipher = createCipheriv('aes-256-cbc', key, initializationVector)
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  const der = encodeEncryptedPrivateKeyInfo({ salt, initializationVector, encrypted })
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN ENCRYPTED PRIVATE KEY-----', ...lines, '-----END ENCRYPTED PRIVATE KEY-----', ''].join(
    '\n'
  )
}

interface EncryptedParts {
  readonly salt: Uint8Array
  readonly initializationVector: Uint8Array
  readonly encrypted: Uint8Array
}

function encodeEncryptedPrivateKeyInfo({
  salt,
  initializationVector,
  encrypted
}: EncryptedParts): ArrayBuffer {
  const sequence = (...value: asn1js.AsnType[]) => new asn1js.Sequence({ value })
  const oid = (value: string) => new asn1js.ObjectIdentifier({ value })
  const octets = (valueHex: Uint8Array) =>
    new asn1js.OctetString({ valueHex: new Uint8Array(valueHex).buffer })
  const integer = (value: number) => new asn1js.Integer({ value })
  const keyDerivation = sequence(
    oid('1.3.6.1.4.1.11591.4.11'),
    sequence(
      octets(salt),
      integer(scryptCost.N),
      integer(scryptCost.r),
      integer(scryptCost.p),
      integer(keyBytes)
    )
  )
  const encryption = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(initializationVector))
  const pbes2 = sequence(oid('1.2.840.113549.1.5.13'), sequence(keyDerivation, encryption))
  return sequence(pbes2, octets(encrypted)).toBER()
}

/**
 * Writes the file so that a crash leaves either nothing or all of it, readable for its owner alone.
 * An existing file is replaced.
 */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    // A draft that a crash left behind may have been made with another mode.
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(dirname(path), 'r')
  await directory.sync().finally(() => directory.close())
}

/**
 * Opens an encrypted key file.
 *
 * @throws MintlineError `key_unusable`: no such file, not a key, or the passphrase is not the one it was made with.
 */
export async function loadPrivateKey(path: string, passphrase: string): Promise<KeyObject> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MintlineError('key_unusable', `The CA key file ${path} cannot be read.`, { cause })
  })
  try {
    // The passphrase is stretched, which takes a twentieth of a second: not where requests are served.
    return await runOnKeyThread({ kind: 'open', pem, passphrase })
  } catch (cause) {
    if (isMintlineError(cause)) throw cause
    throw new MintlineError(
      'key_unusable',
      `The CA key file ${path} cannot be opened: the passphrase is not the one it was encrypted with, or the file is damaged.`,
      { cause }
    )
  }
}
