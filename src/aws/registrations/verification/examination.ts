import { isMintlineError, MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import type { AuthorityCertificate } from '../../../pki/certificate/authority/certificate.ts'
import { parseTbsCertificate, type TbsCertificate } from '../../../pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../../../pki/certificate/lint.ts'
import { millisecondsPerDay } from '../../../pki/der/time.ts'
import { authoritySignatureAlgorithm } from '../../../pki/key/signature-algorithm.ts'
import { timeOfIdentifier } from '../../../sources/identifier.ts'
import type { Verification } from './verification-store.ts'

export const validityMs = 7 * millisecondsPerDay
/** How far the beginning lies before the making, for clocks at AWS that run behind. */
export const clockSkewMs = 3_600_000
export const keyUsage = ['digitalSignature'] as const
export const extendedKeyUsage = ['clientAuth'] as const

/** A certificate holds whole seconds. */
const roundingMs = 1_000

/**
 * Holds a verification certificate that was read back from the database against what it is for: nothing but its
 * registration code in the subject, for some days from its making, under its own serial number. Its key belongs to nobody
 * and is kept nowhere, so that there is nothing to hold it against.
 *
 * @throws MintlineError `record_damaged` with every difference.
 */
export function examineReadBack(verification: Verification, issuer: AuthorityCertificate): TbsCertificate {
  const tbs = read(verification, issuer)
  const violations = [...contentDifferences(verification, tbs), ...timeDifferences(verification, tbs)]
  if (violations.length > 0) throw damaged(verification, violations)
  return tbs
}

/** What cannot be read, or breaks the lint, was not written by this service. */
function read(verification: Verification, issuer: AuthorityCertificate): TbsCertificate {
  try {
    const { tbsDer } = verification
    const spkiDer = parseTbsCertificate(tbsDer).subjectPublicKeyInfo.der
    const signatureAlgorithm = authoritySignatureAlgorithm(issuer.spkiDer)
    return lintTbsCertificate(tbsDer, { issuer, signatureAlgorithm, spkiDer })
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw damaged(verification, error.violations, error)
  }
}

function contentDifferences(
  { serialNumber, registrationCode }: Verification,
  { subject, extensions, serialNumber: found }: TbsCertificate
): readonly Violation[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const nameOf = (values: object) => JSON.stringify(values)
  const setOf = (values: readonly string[] = []) => [...values].sort().join(', ')
  return [
    difference('/subject', nameOf({ CommonName: registrationCode }), nameOf(subject)),
    difference('/serialNumber', hex(serialNumber), hex(found)),
    difference('/keyUsage', setOf(keyUsage), setOf(extensions.keyUsage)),
    difference('/extendedKeyUsage', setOf(extendedKeyUsage), setOf(extensions.extendedKeyUsage))
  ].filter(violation => violation !== undefined)
}

function timeDifferences(
  { id, createdAt }: Verification,
  { notBefore, notAfter }: TbsCertificate
): readonly Violation[] {
  const madeMs = createdAt.getTime()
  const earliest = new Date(Math.max(madeMs - clockSkewMs - roundingMs, notBefore.getTime()))
  const latest = new Date(Math.min(madeMs + validityMs, notAfter.getTime()))
  return [
    difference('/createdAt', timeOfIdentifier(id).toISOString(), createdAt.toISOString()),
    difference('/notBefore', earliest.toISOString(), notBefore.toISOString()),
    difference('/notAfter', latest.toISOString(), notAfter.toISOString())
  ].filter(violation => violation !== undefined)
}

function difference(pointer: string, expected: string, found: string): Violation | undefined {
  if (expected === found) return undefined
  return { pointer, expected, found, message: 'The record does not say what it was made for.' }
}

function damaged({ id }: Verification, violations: readonly Violation[], cause?: unknown): MintlineError {
  return new MintlineError(
    'record_damaged',
    `The verification certificate ${id} was changed in the database and is not signed. Register the CA anew, or with ` +
      'the certificate mode SNI_ONLY, which needs none.',
    { violations, cause }
  )
}
