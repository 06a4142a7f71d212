import { hash, type KeyObject } from 'node:crypto'
import { isMintlineError, type Violation } from '../errors/mintline-error.ts'
import { type TbsCertificate, verifyIssuedCertificate } from '../pki/certificate/certificate.ts'
import { toHex } from '../pki/der/octet-text.ts'
import { namesNothing, otherRequest, unreadable } from './damaged.ts'
import type { IssuedRow } from './record-model.ts'
import { isRequestKept, readKeptCsr } from './requested-subject.ts'

/** As much of an authority as tells whether a certificate is its own, and what goes with it. */
export interface CertificateIssuer {
  readonly publicKey: KeyObject
  readonly chainDer: readonly Uint8Array[]
}

/** Where a record was read back. */
export interface ReadBack {
  readonly row: IssuedRow
  /** The intent's; undefined where it cannot be read. */
  readonly tbs: TbsCertificate | undefined
  /** Undefined where the record names none that there is. */
  readonly issuer: CertificateIssuer | undefined
}

/**
 * Whether the certificate of a record that was read back is the one that was recorded: its id is its hash, it is the
 * intent's TBSCertificate with the authority's signature, and the columns beside it say what it says. Nobody can bring
 * that about in the database without the CA's key. Costs one verification, in another thread. CSR and
 * station's subject are held against the digest of the request, which tells of a change by who did not think of it.
 *
 * @returns what is amiss first, or undefined.
 */
export async function findDamage({ row, tbs, issuer }: ReadBack): Promise<Violation | undefined> {
  if (issuer === undefined || row.profile === null || row.authority === null) return namesNothing
  const { certificateDer, certificateId, serialNumber, spkiSha256 } = row
  const otherId = compare('/certificateId', hash('sha256', certificateDer), certificateId)
  if (otherId !== undefined) return otherId
  const signatureAlgorithm = tbs?.signatureAlgorithm.algorithm
  if (tbs === undefined || signatureAlgorithm === undefined) return unreadable
  try {
    const { tbsDer } = row
    await verifyIssuedCertificate({
      certificateDer,
      tbsDer,
      issuerPublicKey: issuer.publicKey,
      signatureAlgorithm
    })
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return { ...unreadable, message: error.detail }
  }
  return (
    compare('/serialNumber', toHex(tbs.serialNumber), serialNumber) ??
    compare('/spkiSha256', hash('sha256', tbs.subjectPublicKeyInfo.der), spkiSha256) ??
    findOtherRequest(row)
  )
}

/** A CSR that cannot be read says nothing here: it is told where something would be signed for it. */
function findOtherRequest(row: IssuedRow): Violation | undefined {
  const csr = readKeptCsr(row.csrDer)
  return csr === undefined || isRequestKept(row, csr) ? undefined : otherRequest(row)
}

/** @param expected in hexadecimal, by the certificate */
function compare(pointer: string, expected: string, onRecord: Uint8Array): Violation | undefined {
  const found = toHex(onRecord)
  const message = 'The record does not say what its certificate says.'
  return expected === found ? undefined : { pointer, expected, found, message }
}
