import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../../pki/der/reader.ts'
import { assertKeyAllowed, type KeyPolicy, parseSubjectPublicKeyInfo } from '../../pki/key/public-key.ts'
import { findOtherForm } from '../../pki/pem/other-form.ts'

/** What a CA key may be: what AWS IoT registers and the signers can hold. */
export const authorityKeyPolicy: KeyPolicy = {
  ec: { curves: ['P-256', 'P-384', 'P-521'] },
  rsa: { minimumBits: 2048, maximumBits: 4096 }
}

/**
 * Reads a CA key as openssl writes it: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915), PEM or DER, encrypted
 * or not, also behind a byte order mark. For a key that is not encrypted the passphrase does not matter.
 *
 * @param text one character for each octet of the file.
 * @throws MintlineError `key_unusable`: no private key, a PKCS#12 or PKCS#7 file, UTF-16, encrypted and the passphrase missing or wrong,
 *   or neither an EC key on P-256, P-384 or P-521 nor an RSA key of 2048 to 4096 bits (then with violations).
 */
export function importAuthorityKey(text: string, passphrase?: string): KeyObject {
  const privateKey = decodePrivateKey(text, passphrase)
  const spkiDer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const reader = new DerReader(spkiDer, createDerRefusal('key_unusable', 'public key of the CA key'))
  try {
    assertKeyAllowed(parseSubjectPublicKeyInfo(reader).key, authorityKeyPolicy)
  } catch (cause) {
    if (!isMintlineError(cause, 'key_refused')) throw cause
    throw unusable('an authority cannot have a key of this kind', cause, cause.violations)
  }
  return privateKey
}

function decodePrivateKey(text: string, passphrase: string | undefined): KeyObject {
  const form = findOtherForm(Buffer.from(text, 'latin1'))
  if (form !== undefined) throw unusable(`it is ${form.what}. ${form.way}`, undefined)
  const secret = passphrase === undefined ? {} : { passphrase }
  if (text.startsWith('\x30') && !text.includes('-----BEGIN')) return decodeDer(text, secret)
  const pem = text.replace(/^(?:\xef\xbb\xbf|\ufeff)/, '')
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...secret })
  } catch (cause) {
    const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)
    throw unusable(isEncrypted ? whyLocked(passphrase) : 'it is no private key in PEM or DER', cause)
  }
}

function decodeDer(text: string, secret: { readonly passphrase?: string }): KeyObject {
  const key = Buffer.from(text, 'latin1')
  let cause: unknown
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type, ...secret })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_BAD_DECRYPT') {
        throw unusable(whyLocked(secret.passphrase), error)
      }
      cause = error
    }
  }
  throw unusable('it is no private key in PEM or DER', cause)
}

function whyLocked(passphrase: string | undefined): string {
  return passphrase === undefined
    ? 'the key is encrypted: give `--passphrase-file`'
    : 'the key is encrypted, and the passphrase in `--passphrase-file` does not open it'
}

function unusable(reason: string, cause: unknown, violations: readonly Violation[] = []): MintlineError {
  const end = reason.endsWith('.') ? '' : '.'
  return new MintlineError('key_unusable', `The CA key cannot be used: ${reason}${end}`, {
    cause,
    violations
  })
}
