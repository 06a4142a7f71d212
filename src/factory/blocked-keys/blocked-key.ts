import { MintlineError } from '../../errors/mintline-error.ts'
import { toHex } from '../../pki/der/octet-text.ts'

/** Why a key is blocked. A closed list: clients branch on it. */
export const blockedReasons = [
  /** Its private key was sent to the service, or published elsewhere. */
  'key_disclosed',
  /** Its private key is, or may be, in other hands. */
  'key_compromised',
  /** It can be guessed: a broken random source, a known flaw of the library that made it. */
  'weak_key',
  /** It was found in more than one device. */
  'duplicate_key',
  /** Its device or security element is taken out of use, for good. */
  'withdrawn'
] as const

export type BlockedReason = (typeof blockedReasons)[number]

/** A key that is not certified any more. */
export interface BlockedKey {
  /** UUIDv7 of `createdAt`. */
  readonly id: string
  readonly spkiSha256: Uint8Array
  readonly reason: BlockedReason
  readonly comment: string | null
  /** As `role/name`. */
  readonly actor: string
  readonly requestId: string
  readonly createdAt: Date
}

/** A certificate that exists for a key, or an intent of one. */
export interface CertifiedUse {
  readonly issuanceId: string
  /** Lower-case hex. */
  readonly serialNumber: string
  /** Lower-case hex; null while there is no certificate on record. */
  readonly certificateId: string | null
  readonly station: string
  readonly requestedAt: Date
  /** It waits for its certificate; false of what is revoked, or about to be. */
  readonly isOpen: boolean
  /** Taken out of use for good. */
  readonly isRevoked: boolean
}

/** Who asks: a station sees what it asked for itself, the others see everything. */
export interface Asker {
  readonly role: string
  readonly name: string
}

const meanings: Readonly<Record<BlockedReason, string>> = {
  key_disclosed:
    'its private key was sent to this service or published, so that it is known to others than the device',
  key_compromised: 'its private key is, or may be, in other hands',
  weak_key: 'it can be guessed',
  duplicate_key: 'it was found in more than one device',
  withdrawn: 'its device was taken out of use for good'
}

/** What the operator does about it. */
export const newKeyAdvice =
  'Make a new key pair on the device, delete the old one wherever it lies, and send the new CSR alone.'

/** The refusal of a key on the list, with the certificates that exist for it as far as who asks may see them. */
export function keyBlocked(
  { spkiSha256, reason }: Pick<BlockedKey, 'spkiSha256' | 'reason'>,
  uses: readonly CertifiedUse[],
  asker: Asker
): MintlineError {
  const what = `This key is blocked and is not certified, by whatever profile: ${meanings[reason]}.`
  return blockedError([what, newKeyAdvice], {
    reason,
    listing: { spkiSha256: [toHex(spkiSha256)] },
    uses,
    asker
  })
}

/** The refusal of a CA whose own key, or that of a CA above it, is on the list. */
export function authorityKeyBlocked(
  { spkiSha256, reason }: Pick<BlockedKey, 'spkiSha256' | 'reason'>,
  isOwn: boolean
): MintlineError {
  const whose = isOwn ? 'The key of this authority' : 'The key of a CA above this authority'
  const advice = isOwn
    ? 'Make another generation, with a new key: POST /v1/authorities.'
    : 'Have the CSR of this authority, or of another generation, signed by another CA, and send that chain.'
  const digest = toHex(spkiSha256)
  return new MintlineError(
    'key_blocked',
    `${whose} is blocked (SHA-256 of its SubjectPublicKeyInfo: ${digest}): ${meanings[reason]}. ${advice}`,
    { members: { blockedReason: reason, spkiSha256: [digest] } }
  )
}

interface Blocked {
  readonly reason: BlockedReason
  /** The keys, as the answer names them. */
  readonly listing: Readonly<Record<string, readonly string[] | number>>
  readonly uses: readonly CertifiedUse[]
  readonly asker: Asker
}

/** @param sentences of the detail; what exists for the key comes behind them. */
export function blockedError(
  sentences: readonly string[],
  { reason, listing, uses, asker }: Blocked
): MintlineError {
  const existing = uses.filter(({ certificateId }) => certificateId !== null)
  const visible = existing.filter(({ station }) => asker.role !== 'station' || station === asker.name)
  const certificates = visible.map(({ issuanceId, serialNumber, certificateId, requestedAt }) => ({
    issuanceId,
    serialNumber,
    certificateId,
    requestedAt: requestedAt.toISOString()
  }))
  return new MintlineError(
    'key_blocked',
    [...sentences, ...describeCertificates(existing, visible)].join(' '),
    {
      members: {
        blockedReason: reason,
        ...listing,
        ...(certificates.length > 0 && { certificates })
      }
    }
  )
}

function describeCertificates(
  existing: readonly CertifiedUse[],
  visible: readonly CertifiedUse[]
): readonly string[] {
  if (existing.length === 0) return []
  const named = visible.map(({ issuanceId, certificateId }) => `${certificateId} (issuance ${issuanceId})`)
  const which = named.length > 0 ? ` ${named.join(', ')}` : ''
  const standing = existing.every(({ isRevoked }) => isRevoked)
    ? 'It is revoked.'
    : 'Tell the administrator to take it out of use.'
  return [`A certificate exists for it:${which || ' which one, the administrator sees'}. ${standing}`]
}
