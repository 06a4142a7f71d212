import { X509Certificate } from 'node:crypto'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * The DER of a certificate from the bytes as sent: DER or PEM, of a chain the first.
 *
 * Throws `certificate_malformed`. What was sent is never repeated, as it may be a private key.
 */
export function decodeCertificate(input: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(new X509Certificate(input).raw)
  } catch (cause) {
    throw new MintlineError(
      'certificate_malformed',
      'This is not a certificate in PEM or DER. Send the certificate of the device, whole.',
      { cause }
    )
  }
}
