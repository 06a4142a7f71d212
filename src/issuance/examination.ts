import type { IssuingAuthority } from '../authorities/authority.ts'
import { isMintlineError, type Violation } from '../errors/mintline-error.ts'
import type { StatusAddresses } from '../pki/certificate/addresses/status-addresses.ts'
import { parseTbsCertificate, type TbsCertificate } from '../pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../pki/certificate/lint.ts'
import {
  type CertificationRequest,
  parseCertificationRequest,
  type SubjectAttribute
} from '../pki/csr/certification-request.ts'
import { isEqual } from '../pki/der/octets.ts'
import { assertKeyAllowed } from '../pki/key/public-key.ts'
import { type SubjectField, subjectFields } from '../pki/name/subject-field.ts'
import { belowViolations } from '../pki/path/issuing-path.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import { statusAddressesIn } from '../profiles/status-addresses/status-addresses.ts'
import { isWanted } from '../profiles/subject/selection.ts'
import { namesForeignAddress, otherRequest, recordDamaged } from '../records/damaged.ts'
import type { EarlierIntent } from '../records/records.ts'
import { isRequestKept, requestedSubject } from '../records/requested-subject.ts'
import { timeOfIdentifier } from '../sources/identifier.ts'
import { digestOf } from './request.ts'
import { validityDifferences } from './validity.ts'

export interface Examined {
  readonly earlier: EarlierIntent
  /** The version that the intent names. */
  readonly profile: CompiledProfile
  /** The generation that the intent names. */
  readonly authority: IssuingAuthority
  /** Those of the service, for relying parties: the one of today, if there is one, and former ones. */
  readonly publicUrls: readonly string[]
}

/**
 * Holds an intent that was read back from the database against what it was made of: its bytes must follow from its CSR,
 * what the station set, the profile's version and the authority, and pass the lint of device certificates. Whoever can write
 * to the database could otherwise have any certificate signed by a retry.
 *
 * The addresses of its status may be under a former public address of the service as well, which a setting names: it was begun
 * under that. Under any other, relying parties would be led to a place of whoever can write to the database.
 *
 * Fields are compared and not bytes, so that an intent of an earlier release, which may have encoded them another way,
 * can still be completed. The profile's version never changes, so that what it says of subject and key holds for ever;
 * a key that is by now known to be weak is not certified, though its intent waited. The device's digest is left alone: it
 * comes of the predicted thing, and a later release may predict more.
 *
 * @returns what stands in the bytes.
 * @throws MintlineError `record_damaged` with every difference; `members.earlierIssuance` names the record.
 */
export function examineReadBack(tbsDer: Uint8Array, examined: Examined): TbsCertificate {
  const { earlier, authority } = examined
  const csr = readOr(earlier, () => parseCertificationRequest(earlier.record.csrDer))
  readOr(earlier, () => assertKeyAllowed(csr.publicKey, examined.profile.keyPolicy))
  const addresses = addressesIn(tbsDer, examined)
  const tbs = readOr(earlier, () =>
    lintTbsCertificate(tbsDer, {
      issuer: authority.certificate,
      chainEnd: authority.path.notAfter,
      signatureAlgorithm: authority.signer.signatureAlgorithm,
      spkiDer: csr.spkiDer,
      addresses
    })
  )
  const violations = [
    ...authorityDifferences(examined),
    ...requestDifferences(csr, tbs, examined),
    ...subjectDifferences(csr, tbs, examined),
    ...profileDifferences(tbs, examined),
    ...belowViolations(tbs, authority.path)
  ]
  if (violations.length > 0) throw recordDamaged(earlier.record, violations)
  return tbs
}

/** Those that it may name, under the public address by which it was begun. Of what cannot be read, the lint says why. */
function addressesIn(tbsDer: Uint8Array, examined: Examined): StatusAddresses {
  const { profile, authority, publicUrls, earlier } = examined
  try {
    const { extensions, serialNumber } = parseTbsCertificate(tbsDer)
    const named = { generation: authority.name, serialNumber }
    const { addresses, publicUrl } = statusAddressesIn(extensions.all, profile.version.document, named)
    if (publicUrl !== undefined && !publicUrls.includes(publicUrl))
      throw namesForeignAddress(earlier.record, publicUrl)
    return addresses
  } catch (error) {
    if (!isMintlineError(error) || error.code === 'record_damaged') throw error
    return {}
  }
}

/** What cannot be read, or breaks the lint, was not written by this service. */
function readOr<Read>({ record }: EarlierIntent, read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw recordDamaged(record, error.violations, error)
  }
}

interface Difference {
  readonly pointer: string
  readonly expected: string
  readonly found: string
}

const toViolation = (difference: Difference): Violation => ({
  ...difference,
  message: 'The record does not say what it was made of.'
})

/** The other lines' keys are no less at hand: a row that names one of them must not reach it. */
function authorityDifferences({ profile, authority }: Examined): readonly Violation[] {
  const expected = profile.version.document.authority
  if (authority.line === expected) return []
  return [toViolation({ pointer: '/authority', expected, found: authority.line })]
}

/** The row's own columns. */
function requestDifferences(
  csr: CertificationRequest,
  tbs: TbsCertificate,
  { earlier: { record, requestSha256, spkiSha256 } }: Examined
): readonly Violation[] {
  const differences: Difference[] = []
  if (!isEqual(digestOf(csr.spkiDer), spkiSha256)) {
    differences.push({ pointer: '/publicKey', expected: "the CSR's key", found: 'the digest of another' })
  }
  const { profile, stationSubject } = record
  if (!isRequestKept({ requestSha256, stationSubject, profile }, csr)) differences.push(otherRequest(record))
  const idTime = timeOfIdentifier(record.id)
  if (idTime.getTime() !== record.createdAt.getTime()) {
    differences.push({
      pointer: '/requestedAt',
      expected: idTime.toISOString(),
      found: record.createdAt.toISOString()
    })
  }
  const serialNumber = Buffer.from(tbs.serialNumber).toString('hex')
  if (serialNumber !== record.serialNumber) {
    differences.push({ pointer: '/serialNumber', expected: record.serialNumber, found: serialNumber })
  }
  return differences.map(toViolation)
}

/**
 * Each value is the profile's fixed one or was asked for, by the CSR or a station that may set it, where the profile has a use
 * for it and accepts it; none that the profile demands is missing.
 */
function subjectDifferences(
  csr: CertificationRequest,
  { subject }: TbsCertificate,
  { profile, earlier }: Examined
): readonly Violation[] {
  const { stationSubject } = earlier.record
  const isKept = ({ oid, field }: SubjectAttribute) =>
    stationSubject === null
      ? !profile.droppedOids.has(oid)
      : field !== undefined && profile.stationFields.has(field)
  const kept = requestedSubject({ csr, stationSubject }).filter(isKept)
  const requested = new Map(kept.map(({ field, value }) => [field, value]))
  const expectedOf = (field: SubjectField) =>
    isWanted(profile, field) ? (profile.rules.get(field)?.fixedValue ?? requested.get(field)) : undefined
  const isDemanded = (field: SubjectField) => {
    const rule = profile.rules.get(field)
    return (
      rule?.presence === 'required' || rule?.fixedValue !== undefined || profile.templateFields.has(field)
    )
  }
  const isRefused = (field: SubjectField, value: string) => profile.rules.get(field)?.accepts(value) === false
  const isBroken = (field: SubjectField) => {
    const value = subject[field]
    if (value !== expectedOf(field)) return true
    return value === undefined ? isDemanded(field) : isRefused(field, value)
  }
  return subjectFields.filter(isBroken).map(field =>
    toViolation({
      pointer: `/subject/${field}`,
      expected: expectedOf(field) ?? 'nothing',
      found: subject[field] ?? 'nothing'
    })
  )
}

/** What the profile's version writes into every certificate. */
function profileDifferences(
  { extensions, notBefore, notAfter }: TbsCertificate,
  { profile, authority, earlier: { record } }: Examined
): readonly Violation[] {
  const { keyUsage, extendedKeyUsage } = profile.version.document
  const differences: Difference[] = []
  const compareSets = (pointer: string, expected: readonly string[], found: readonly string[] = []) => {
    const [sortedExpected, sortedFound] = [[...expected].sort().join(', '), [...found].sort().join(', ')]
    if (sortedExpected !== sortedFound)
      differences.push({ pointer, expected: sortedExpected, found: sortedFound })
  }
  compareSets('/keyUsage', keyUsage, extensions.keyUsage)
  compareSets('/extendedKeyUsage', extendedKeyUsage, extensions.extendedKeyUsage)
  const rules = { document: profile.version.document, authority, now: record.createdAt }
  differences.push(...validityDifferences({ notBefore, notAfter }, rules))
  return differences.map(toViolation)
}
