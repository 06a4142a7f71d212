import { createHash, X509Certificate } from 'node:crypto'
import { Certificate } from 'pkijs'
import { IotRefusal } from '../../iot-refusal.ts'

/** A certificate as node:crypto and pkijs read it, and what AWS IoT asks of it. */
export interface ReadCertificate {
  /** SHA-256 of the DER, lower-case hex. */
  readonly certificateId: string
  readonly x509: X509Certificate
  readonly parsed: Certificate
  /** The names in DER as they stand in the certificate, in hex: equal only when byte for byte the same. */
  readonly subjectDerHex: string
  readonly issuerDerHex: string
  /** Each commonName of the subject. */
  readonly commonNames: readonly string[]
}

const commonNameOid = '2.5.4.3'
const onePem = /^\s*-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*$/

/** Reads one certificate in PEM. Throws `CertificateValidationException`. */
export function readCertificate(certificatePem: string): ReadCertificate {
  if (!onePem.test(certificatePem)) throw notReadable()
  try {
    const x509 = new X509Certificate(certificatePem)
    const parsed = Certificate.fromBER(x509.raw)
    return {
      certificateId: createHash('sha256').update(x509.raw).digest('hex'),
      x509,
      parsed,
      subjectDerHex: hexOf(parsed.subject.valueBeforeDecode),
      issuerDerHex: hexOf(parsed.issuer.valueBeforeDecode),
      commonNames: parsed.subject.typesAndValues
        .filter(({ type }) => type === commonNameOid)
        .map(({ value }) => String(value.valueBlock.value))
    }
  } catch {
    throw notReadable()
  }
}

function hexOf(octets: ArrayBuffer): string {
  return Buffer.from(octets).toString('hex')
}

function notReadable(): IotRefusal {
  return new IotRefusal(
    'CertificateValidationException',
    'The certificate is not one X.509 certificate in PEM.'
  )
}
