import type { Act } from '../../audit/audit-event.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { CertificateIntent, CertificatePurpose } from './certificate-intent.ts'
import type { CertificateIntentStore } from './certificate-intent-store.ts'
import { draftAuthority, type IntendedContent, signAuthority } from './issue-authority.ts'

export interface IntendedDependencies {
  readonly intents: Pick<CertificateIntentStore, 'insert'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** For whom and by which key. */
export type IntendedFor = Pick<CertificateIntent, 'authorityName' | 'signer'> & CertificatePurpose

interface Intended {
  readonly content: IntendedContent
  readonly intended: IntendedFor
  readonly act: Act
}

export interface IntendedCertificate {
  /** To be recorded with the certificate; without that the intent stays open. */
  readonly intentId: string
  readonly certificateDer: Uint8Array
}

/**
 * A CA certificate signed by a key that the service holds: linted, then its serial number and TBS made durable, then
 * exactly those bytes signed and verified. It is not on record yet, and must be before it leaves the process.
 *
 * @throws MintlineError as `CertificateIntentStore.insert`, `draftAuthority` and `signAuthority`.
 */
export async function issueIntendedAuthority(
  { intents, clock, randomBytes }: IntendedDependencies,
  signer: Signer,
  { content, intended, act }: Intended
): Promise<IntendedCertificate> {
  const draft = draftAuthority(signer, content, randomBytes)
  const createdAt = clock()
  const id = newId(createdAt, randomBytes)
  const intent = await intents.insert({ ...intended, createdBy: act.actor, ...draft, id, createdAt }, act)
  // A crash from here on leaves an open intent: its serial number is explained, and a repeat makes another one.
  return { intentId: intent.id, certificateDer: await signAuthority(signer, intent) }
}
