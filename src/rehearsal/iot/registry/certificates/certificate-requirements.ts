import type { KeyObject } from 'node:crypto'
import { type Certificate, RSASSAPSSParams } from 'pkijs'
import { IotRefusal } from '../../iot-refusal.ts'
import type { ReadCertificate } from './certificate-reading.ts'

const pssOid = '1.2.840.113549.1.1.10'
const sha2Oids = ['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']
const signatureOids = [
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '2.16.840.1.101.3.4.3.2', // dsa-with-sha256
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4' // ecdsa-with-SHA512
]
const curves = ['prime256v1', 'secp384r1', 'secp521r1']

/**
 * What AWS IoT asks of every certificate that is registered (Developer Guide, "X.509 client certificates"): a key and
 * a signature algorithm of its lists, and a validity that holds now. Throws `CertificateValidationException`.
 *
 * @param now in milliseconds.
 */
export function assertRegistrable({ x509, parsed }: ReadCertificate, now: number): void {
  if (!isKeyAllowed(publicKeyOf(x509))) throw refuse('The key in the certificate is not valid.')
  if (!isSignatureAlgorithmAllowed(parsed)) throw refuse('The signature algorithm is not supported.')
  if (now < x509.validFromDate.getTime()) throw refuse('The certificate is not valid yet.')
  if (now > x509.validToDate.getTime()) throw refuse('The certificate has expired.')
}

/** Throws `CertificateValidationException` unless the certificate says CA:TRUE. */
export function assertCa({ x509 }: ReadCertificate): void {
  if (!x509.ca) throw refuse('The certificate is not a CA certificate: basicConstraints lacks CA:TRUE.')
}

/** Whether the issuer's name and key fit the certificate. */
export function isIssuedBy(certificate: ReadCertificate, issuer: ReadCertificate): boolean {
  return (
    certificate.issuerDerHex === issuer.subjectDerHex && certificate.x509.verify(publicKeyOf(issuer.x509))
  )
}

/** node:crypto throws for a key that it does not know. */
function publicKeyOf(x509: ReadCertificate['x509']): KeyObject {
  try {
    return x509.publicKey
  } catch {
    throw refuse('The key in the certificate is not valid.')
  }
}

function isKeyAllowed({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {}
  const isRsa = asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss'
  return isRsa ? modulusLength >= 2048 : asymmetricKeyType === 'ec' && curves.includes(namedCurve)
}

function isSignatureAlgorithmAllowed({ signatureAlgorithm }: Certificate): boolean {
  const { algorithmId } = signatureAlgorithm
  if (algorithmId !== pssOid) return signatureOids.includes(algorithmId)
  try {
    const { hashAlgorithm } = new RSASSAPSSParams({ schema: signatureAlgorithm.algorithmParams as unknown })
    return sha2Oids.includes(hashAlgorithm.algorithmId)
  } catch {
    // Parameters that cannot be read name no hash.
    return false
  }
}

function refuse(message: string): IotRefusal {
  return new IotRefusal('CertificateValidationException', message)
}
