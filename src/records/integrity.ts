import { hash, type KeyObject } from 'node:crypto'
import { isMintlineError, type Violation } from '../errors/mintline-error.ts'
import { parseTbsCertificate, verifyIssuedCertificate } from '../pki/certificate/certificate.ts'
import { namesNothing, unreadable } from './damaged.ts'
import type { IssuedRow } from './record-model.ts'

/** As much of an authority as tells whether a certificate is its own, and what goes with it. */
export interface CertificateIssuer {
  readonly publicKey: KeyObject
  readonly chainDer: readonly Uint8Array[]
}

/**
 * Whether the certificate of a record that was read back is the one that was recorded: its id is its hash, it is the
 * intent's TBSCertificate with the authority's signature, and the columns beside it say what it says. Nobody can bring
 * that about in the database without the CA's key. Costs one verification, in another thread.
 *
 * @returns what is amiss first, or undefined.
 */
export async function findDamage(
  row: IssuedRow,
  issuer: CertificateIssuer | undefined
): Promise<Violation | undefined> {
  if (issuer === undefined || row.profile === null || row.authority === null) return namesNothing
  const certificateId = hash('sha256', row.certificateDer, 'buffer')
  if (!certificateId.equals(row.certificateId)) {
    return {
      pointer: '/certificateId',
      expected: certificateId.toString('hex'),
      found: Buffer.from(row.certificateId).toString('hex'),
      message: 'The id is not the SHA-256 of the certificate on record.'
    }
  }
  try {
    return await findDifference(row, issuer)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return { ...unreadable, message: error.detail }
  }
}

async function findDifference(
  row: IssuedRow,
  { publicKey }: CertificateIssuer
): Promise<Violation | undefined> {
  const { tbsDer, certificateDer } = row
  const { signatureAlgorithm, serialNumber, subjectPublicKeyInfo } = parseTbsCertificate(tbsDer)
  const { algorithm } = signatureAlgorithm
  if (algorithm === undefined) return unreadable
  await verifyIssuedCertificate({
    certificateDer,
    tbsDer,
    issuerPublicKey: publicKey,
    signatureAlgorithm: algorithm
  })
  const key = hash('sha256', subjectPublicKeyInfo.der, 'buffer')
  return (
    compare('/serialNumber', unpadded(serialNumber), row.serialNumber) ??
    compare('/spkiSha256', key, row.spkiSha256)
  )
}

/** Without the octet that keeps an INTEGER positive. */
function unpadded(serialNumber: Uint8Array): Uint8Array {
  return serialNumber[0] === 0 ? serialNumber.subarray(1) : serialNumber
}

function compare(pointer: string, inCertificate: Uint8Array, onRecord: Uint8Array): Violation | undefined {
  const [expected, found] = [inCertificate, onRecord].map(bytes => Buffer.from(bytes).toString('hex'))
  if (expected === found) return undefined
  return {
    pointer,
    expected: expected!,
    found: found!,
    message: 'The record does not say what its certificate says.'
  }
}
