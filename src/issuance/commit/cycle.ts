import type { GroupCommit } from '../../database/group-commit.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import type { Intent, SignedCertificate } from '../../records/record-model.ts'
import type { CertificateOutcome, CycleOutcome, CycleWrite, IntentOutcome } from './cycle-store.ts'

/** The two durable halves of an issuance. */
export interface Cycle {
  /** @param subject of its certificate: what a lot may expect of it. */
  commitIntent(intent: Intent, subject: Subject): Promise<IntentOutcome>
  commitCertificate(certificate: SignedCertificate): Promise<CertificateOutcome>
}

/**
 * Both halves through one queue: the intents of some requests and the certificates of others share a commit, so
 * that under load an issuance costs one commit and not two.
 */
export function createCycle(group: GroupCommit<CycleWrite, CycleOutcome>): Cycle {
  return {
    async commitIntent(intent, subject) {
      return (await group.submit({ kind: 'intent', intent, subject })) as IntentOutcome
    },
    async commitCertificate(certificate) {
      return (await group.submit(
        { kind: 'certificate', certificate },
        { isOwed: true }
      )) as CertificateOutcome
    }
  }
}
