import type { KeyObject } from 'node:crypto'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { parseCertificate, verifyIssuedCertificate } from '../pki/certificate/certificate.ts'
import { isEqual } from '../pki/der/octets.ts'
import type { StationCertificate } from './station-certificate.ts'

import { digest } from '#crypto'

/**
 * That a certificate on record is the one that was issued: the bytes of its intent, signed by the generation.
 *
 * @throws MintlineError `record_damaged`.
 */
export async function assertAsIssued(
  { certificateDer, sha256 }: Pick<StationCertificate, 'certificateDer' | 'sha256'>,
  tbsDer: Uint8Array,
  issuerPublicKey: KeyObject
): Promise<void> {
  try {
    const { algorithm } = parseCertificate(certificateDer, 'record_damaged').outerSignatureAlgorithm
    if (algorithm === undefined || !isEqual(digest('sha256', certificateDer), sha256)) throw damaged()
    await verifyIssuedCertificate({ certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm: algorithm })
  } catch (cause) {
    throw isMintlineError(cause) ? damaged(cause) : cause
  }
}

function damaged(cause?: unknown): MintlineError {
  return new MintlineError(
    'record_damaged',
    'The record of this certificate was changed in the database and is not handed out. Make a new key pair at the station, and send a CSR for that; tell the administrator.',
    { cause }
  )
}
