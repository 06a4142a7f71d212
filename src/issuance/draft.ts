import type { IssuingAuthority } from '../authorities/authority.ts'
import type { Prediction } from '../jitp/evaluation/prediction.ts'
import type { TbsCertificate } from '../pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../pki/certificate/lint.ts'
import { createSerialNumber } from '../pki/certificate/serial-number.ts'
import { buildTbsCertificate } from '../pki/certificate/tbs-certificate.ts'
import type { CertificationRequest } from '../pki/csr/certification-request.ts'
import type { CsrNote } from '../pki/csr/note.ts'
import { assertKeyAllowed } from '../pki/key/public-key.ts'
import { buildName, throwSubjectViolations } from '../pki/name/name.ts'
import type { Subject } from '../pki/name/subject-field.ts'
import { subjectOutsideViolations } from '../pki/path/constrained-subject.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import { statusAddressesOf } from '../profiles/status-addresses/status-addresses.ts'
import { selectSubject } from '../profiles/subject/selection.ts'
import { assertMaySet } from '../profiles/subject/station-subject.ts'
import type { Asked, Intent } from '../records/record-model.ts'
import { replacedNotes, requestDigest, requestedSubject } from '../records/requested-subject.ts'
import { judge } from '../signing/judgement.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { type DeviceIdentity, identifyDevice } from './device-identity.ts'
import { predict } from './prediction.ts'
import { digestOf } from './request.ts'
import { validityOf } from './validity.ts'

export interface DraftInput {
  readonly csr: CertificationRequest
  /** What the station set. */
  readonly stationSubject?: Subject | undefined
  readonly profile: CompiledProfile
  readonly authority: IssuingAuthority
  /** Of the service, for relying parties; undefined where it has none. */
  readonly publicUrl: string | undefined
  readonly now: Date
  readonly randomBytes: RandomBytes
}

export interface Draft {
  /** All of it but what the request brings and what the MES says. */
  readonly intent: Omit<Intent, keyof Asked | 'mes'>
  /** The intent's TBSCertificate, as the lint read it. */
  readonly tbs: TbsCertificate
  readonly prediction: Prediction
  /** Undefined where the key is the identity. */
  readonly device: DeviceIdentity | undefined
  /** What was not as it should be and did not stand in the way. */
  readonly notes: readonly CsrNote[]
}

/**
 * Decides about a request: holds key and subject against the profile, writes the certificate that the profile
 * describes, lints it, and works out what AWS IoT will make of it. Nothing is kept and nothing is signed yet.
 *
 * @throws MintlineError `key_refused`, `subject_refused`, `jitp_would_fail`, `authority_expires_first`, `lint_failed`;
 * `authority_unavailable` where the profile asks for addresses and the service has none.
 */
export function draftIntent(input: DraftInput): Draft {
  const { csr, stationSubject, profile, authority, publicUrl, now, randomBytes } = input
  const { document } = profile.version
  assertKeyAllowed(csr.publicKey, profile.keyPolicy)
  if (stationSubject !== undefined) assertMaySet(profile, stationSubject)
  const requested = requestedSubject(input)
  const { subject, notes } = selectSubject(
    profile,
    requested,
    stationSubject === undefined ? 'csr' : 'station'
  )
  const serialNumber = createSerialNumber(randomBytes(16))
  const addresses = statusAddressesOf(document, { generation: authority.name, serialNumber }, publicUrl)
  const tbsDer = buildTbsCertificate({
    serialNumber,
    signatureAlgorithm: authority.signer.signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    ...validityOf({ document, authority, now }),
    subjectNameDer: buildName(subject),
    spkiDer: csr.spkiDer,
    keyUsage: document.keyUsage,
    extendedKeyUsage: document.extendedKeyUsage,
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier,
    addresses
  })
  const tbs = judge(tbsDer, der =>
    lintTbsCertificate(der, {
      issuer: authority.certificate,
      chainEnd: authority.path.notAfter,
      signatureAlgorithm: authority.signer.signatureAlgorithm,
      spkiDer: csr.spkiDer,
      addresses
    })
  )
  throwSubjectViolations(subjectOutsideViolations(tbs.subjectName, authority.path.constrained))
  const prediction = predict(profile, tbs)
  const device = identifyDevice(profile, prediction, subject)
  const spkiSha256 = digestOf(csr.spkiDer)
  const intent = {
    id: newId(now, randomBytes),
    createdAt: now,
    serialNumber,
    spkiSha256,
    deviceSha256: device?.sha256 ?? spkiSha256,
    requestSha256: requestDigest(spkiSha256, requested, document.name),
    tbsDer,
    csrDer: csr.der,
    profileVersionId: profile.version.id,
    authorityId: authority.id
  }
  return { intent, tbs, prediction, device, notes: [...csr.notes, ...replacedNotes(input), ...notes] }
}
