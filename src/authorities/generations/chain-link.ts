import { createPublicKey, type KeyObject } from 'node:crypto'
import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../../pki/certificate/authority/certificate.ts'
import { type Certificate, parseCertificate } from '../../pki/certificate/certificate.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { signatureAlgorithms } from '../../pki/key/signature-algorithm.ts'

/** One certificate of the chain, read whole. */
export interface ChainLink {
  readonly index: number
  readonly authority: AuthorityCertificate
  readonly certificate: Certificate
  /** Undefined when it cannot be used; a violation says why. */
  readonly publicKey: KeyObject | undefined
}

/** @throws MintlineError `authority_invalid` for what is no CA certificate in strict DER. */
export function parseLink(der: Uint8Array, index: number): ChainLink {
  try {
    const certificate = parseCertificate(der, 'key_unusable')
    const publicKey = importPublicKey(certificate)
    return { index, authority: parseAuthorityCertificate(der), certificate, publicKey }
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw invalid([
      {
        pointer: `/chain/${index}`,
        expected: 'a CA certificate',
        found: 'one that cannot issue',
        message: error.detail
      }
    ])
  }
}

/** OpenSSL does not take every key that can be read, e.g. none that is off its curve. */
function importPublicKey({ subjectPublicKeyInfo: { der } }: Certificate): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** What keeps a certificate from being verified or from verifying, whoever made it. */
export function formViolations({ index, certificate, publicKey }: ChainLink): readonly Violation[] {
  const { signatureAlgorithm, outerSignatureAlgorithm } = certificate
  const violations: Violation[] = []
  const pointer = `/chain/${index}`
  if (!isEqual(signatureAlgorithm.der, outerSignatureAlgorithm.der)) {
    const expected = `${signatureAlgorithm.found}, as in the signed part (RFC 5280 §4.1.1.2)`
    const message = 'The certificate was altered or made wrongly. Have it issued anew.'
    violations.push({
      pointer: `${pointer}/signatureAlgorithm`,
      expected,
      found: `another identifier: ${outerSignatureAlgorithm.found}`,
      message
    })
  }
  if (signatureAlgorithm.algorithm === undefined) {
    const message = 'Neither AWS IoT nor Mintline takes it. Have the certificate issued anew, with SHA-256.'
    violations.push({
      pointer: `${pointer}/signatureAlgorithm`,
      expected: signatureAlgorithms.join(', '),
      found: signatureAlgorithm.found,
      message
    })
  }
  if (publicKey === undefined) {
    const expected = 'a key that can verify signatures, such as an EC point on its curve'
    const message = 'Have the certificate issued anew, over a sound key.'
    violations.push({ pointer: `${pointer}/publicKey`, expected, found: 'one that cannot be used', message })
  }
  return violations
}

export function invalid(violations: readonly Violation[]): MintlineError {
  const detail = `The certificate chain breaks ${violations.length} rule(s).`
  return new MintlineError('authority_invalid', detail, { violations })
}
