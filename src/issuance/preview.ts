import type { Principal } from '../access/principal.ts'
import type { Authorities } from '../authorities/authority.ts'
import type { BlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import type { WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import type { Prediction } from '../jitp/evaluation/prediction.ts'
import { parseCertificate } from '../pki/certificate/certificate.ts'
import { decodeCertificate } from '../pki/certificate/intake.ts'
import { parseCertificationRequest } from '../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../pki/csr/intake.ts'
import type { CsrNote } from '../pki/csr/note.ts'
import { verifyProofOfPossession } from '../pki/csr/proof-of-possession.ts'
import { throwSubjectViolations } from '../pki/name/name.ts'
import type { Subject } from '../pki/name/subject-field.ts'
import type { Profiles } from '../profiles/profile.ts'
import type { Clock } from '../sources/clock.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { draftIntent } from './draft.ts'
import type { FirstUse } from './first-use.ts'
import { predict } from './prediction.ts'
import { digestOf } from './request.ts'

/** What is to be tried: a CSR as a station would send it, or a certificate that exists. */
export type PreviewRequest =
  | {
      readonly kind: 'csr'
      readonly csr: Uint8Array
      /** As a station would set it. */
      readonly subject?: Subject | undefined
      readonly profile: string
      readonly principal: Principal
    }
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array; readonly profile: string }

/** What would come of it under the newest version of the profile. */
export interface PreviewResult {
  readonly profile: string
  readonly profileVersion: number
  readonly templateSha256: string
  readonly subject: Subject
  readonly prediction: Prediction
  /** What is not as it should be and would not stand in the way; of a certificate nothing. */
  readonly notes: readonly CsrNote[]
}

export interface Preview {
  /**
   * Tries a request without issuing, recording or signing anything. Whether the key or the device has a certificate
   * already is not asked.
   *
   * @throws MintlineError what an issuance would refuse the same CSR with; for a certificate `certificate_malformed`,
   * `subject_refused` for one that has an attribute twice or unreadable, and `jitp_would_fail`.
   */
  preview(request: PreviewRequest): Promise<PreviewResult>
}

export interface PreviewDependencies {
  readonly profiles: Profiles
  readonly authorities: Authorities
  readonly blockedKeys: Pick<BlockedKeys, 'find' | 'refusalOf'>
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
  readonly firstUse: FirstUse
  /** Of the service, for relying parties; undefined where it has none. */
  readonly publicUrl: string | undefined
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createPreview(dependencies: PreviewDependencies): Preview {
  const { profiles, authorities, blockedKeys, weakKeys, firstUse, publicUrl, clock, randomBytes } =
    dependencies
  return {
    async preview(request) {
      const profile = await profiles.current(request.profile)
      const { name, version, templateSha256, document } = profile.version
      const common = { profile: name, profileVersion: version, templateSha256 }
      if (request.kind === 'certificate') {
        const certificate = parseCertificate(decodeCertificate(request.certificate), 'certificate_malformed')
        throwSubjectViolations(certificate.subjectName.violations)
        return {
          ...common,
          subject: certificate.subject,
          prediction: predict(profile, certificate, certificate.der),
          notes: []
        }
      }
      const csr = parseCertificationRequest(decodeCertificationRequest(request.csr))
      await verifyProofOfPossession(csr)
      const blocked = await blockedKeys.find(digestOf(csr.spkiDer))
      if (blocked !== undefined) throw await blockedKeys.refusalOf(blocked, request.principal)
      weakKeys.assertUnlisted(csr)
      const authority = await authorities.issuing(document.authority)
      const { tbs, prediction, notes } = draftIntent({
        csr,
        stationSubject: request.subject,
        profile,
        authority,
        publicUrl,
        now: clock(),
        randomBytes
      })
      await firstUse.assertSound(profile, authority)
      return { ...common, subject: tbs.subject, prediction, notes }
    }
  }
}
