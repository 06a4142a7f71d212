import type { SignerReference } from '../../signing/signers/signer-reference.ts'

/** What a CA key of the service signs CA certificates for; the database holds the same list. */
export const certificatePurposes = ['cross-signed', 'self-signed'] as const

/** A CA certificate before it is signed. */
export type CertificateIntent = {
  readonly id: string
  /** Name of the generation that gets the certificate. A self-signed one is made together with it. */
  readonly authorityName: string
  /** Where the key is that signs. */
  readonly signer: SignerReference
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly tbsDer: Uint8Array
  readonly createdAt: Date
  /** As `role/name`. */
  readonly createdBy: string
} & CertificatePurpose

export type CertificatePurpose =
  | { readonly purpose: 'cross-signed'; readonly issuerName: string }
  | { readonly purpose: 'self-signed'; readonly issuerName?: undefined }
