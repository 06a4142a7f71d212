import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../../pki/der/reader.ts'
import { assertKeyAllowed, type KeyPolicy, parseSubjectPublicKeyInfo } from '../../pki/key/public-key.ts'

/** What a CA key may be: what AWS IoT registers and the signers can hold. */
export const authorityKeyPolicy: KeyPolicy = {
  ec: { curves: ['P-256', 'P-384', 'P-521'] },
  rsa: { minimumBits: 2048, maximumBits: 4096 }
}

/**
 * Reads a CA key as openssl writes it: PEM with PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915), encrypted
 * or not. For a key that is not encrypted the passphrase does not matter.
 *
 * @throws MintlineError `key_unusable`: no private key, encrypted and the passphrase missing or wrong, or neither an
 *   EC key on P-256, P-384 or P-521 nor an RSA key of 2048 to 4096 bits (then with violations).
 */
export function importAuthorityKey(pem: string, passphrase?: string): KeyObject {
  const privateKey = decodePrivateKey(pem, passphrase)
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

function decodePrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    const isLocked = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MISSING_PASSPHRASE'
    throw unusable(
      isLocked
        ? 'it is encrypted; give its passphrase'
        : 'it is no private key in PEM, or the passphrase is not the one it was encrypted with',
      cause
    )
  }
}

function unusable(reason: string, cause: unknown, violations: readonly Violation[] = []): MintlineError {
  return new MintlineError('key_unusable', `The CA key cannot be used: ${reason}.`, { cause, violations })
}
