import type { StationPrincipal } from '../access/principal.ts'

/** A certificate that was issued to a station, signed, verified and on record. */
export interface StationCertificate {
  /** Of the intent. */
  readonly id: string
  readonly sha256: Uint8Array
  readonly certificateDer: Uint8Array
  /** The content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly issuedAt: Date
  readonly authorityId: string
}

/** What is about to be signed. */
export interface StationCertificateIntent {
  readonly id: string
  readonly createdAt: Date
  readonly stationId: string
  readonly authorityId: string
  readonly profileVersionId: string
  /** What let the station in: id of a token or of a client certificate. */
  readonly credential: string
  readonly requestId: string
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly spkiSha256: Uint8Array
  readonly csrDer: Uint8Array
  readonly tbsDer: Uint8Array
}

export interface StationCertificateRequest {
  /** As it was sent: DER, PEM or bare base64. */
  readonly csr: Uint8Array
  readonly station: StationPrincipal
  readonly requestId: string
}

export interface StationCertificateResult {
  readonly certificate: StationCertificate
  /** Name of the generation. */
  readonly authority: string
  /** The certificate, the CA that signed it, then those above it, no root above one. */
  readonly chainDer: readonly Uint8Array[]
  /** True where the station got this one before. */
  readonly replayed: boolean
}

export interface StationCertifying {
  /**
   * Certifies a station's own key. A key that has a certificate gets that again, until it is to be renewed. When it
   * returns, the certificate is on record, and lets the station in.
   *
   * @throws MintlineError `station_certificates_off`, `station_profile_missing`, what the CSR and its key are refused
   * for, `key_blocked`, `station_key_refused`, `station_certificates_exhausted`, `authority_unavailable`,
   * `authority_expires_first`, what the signer throws, and what ends the credential.
   */
  certify(request: StationCertificateRequest): Promise<StationCertificateResult>
  /** Of a station's certificates that let it in: the one that did, else the one that ends last. */
  findStanding(station: StationPrincipal): Promise<StationCertificate | undefined>
}

type Life = Pick<StationCertificate, 'notBefore' | 'notAfter'>

/** When two thirds of a certificate's life are over; a station that renews it then has a third of it left for trouble. */
export function renewAfter({ notBefore, notAfter }: Life): Date {
  const third = Math.floor((notAfter.getTime() - notBefore.getTime()) / 3)
  return new Date(notAfter.getTime() - third)
}
