import { createIdentifier } from '../identifier.ts'
import type { CertificateIntent, CertificatePurpose } from './certificate-intent.ts'
import type { CertificateIntentStore } from './certificate-intent-store.ts'
import { draftAuthority, signAuthority, type IntendedContent } from './issue-authority.ts'
import type { Signer } from './signers/signer.ts'

export interface IntendedDependencies {
  readonly intents: Pick<CertificateIntentStore, 'insert'>
  readonly clock: () => Date
  readonly randomBytes: (size: number) => Uint8Array
}

/** For whom, by which key and at whose request. */
export type IntendedFor = Pick<CertificateIntent, 'authorityName' | 'signer' | 'createdBy'> &
  CertificatePurpose

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
  content: IntendedContent,
  intended: IntendedFor
): Promise<IntendedCertificate> {
  const draft = draftAuthority(signer, content, randomBytes)
  const createdAt = clock()
  const id = createIdentifier(createdAt, randomBytes(10))
  const intent = await intents.insert({ ...intended, ...draft, id, createdAt })
  // A crash from here on leaves an open intent: its serial number is explained, and a repeat makes another one.
  return { intentId: intent.id, certificateDer: await signAuthority(signer, intent) }
}
