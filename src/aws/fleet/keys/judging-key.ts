import { createHash } from 'node:crypto'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { SignerReference } from '../../../signing/signers/signer-reference.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { FoundFinding } from '../finding.ts'
import type { WalkError } from '../reconciliation.ts'
import type { Walk } from '../walk/walk.ts'
import type { KeyStore } from './key-store.ts'
import type { KeyUsage } from './key-usage-control.ts'

interface KeyJudging {
  readonly keys: KeyStore
  readonly signer: SignerReference | undefined
  readonly now: Date
  readonly randomBytes: RandomBytes
  readonly signal: AbortSignal
}

/** A signature is made soon after its intent, and clocks of AWS and of this machine may be apart. */
const apartMs = 15 * 60_000

/** For as long KMS may be away; then the look goes on without it. */
const longestFailingSeconds = 60 * 60

/**
 * Holds the last use of a CA's KMS key against what is on record. What cannot be known is kept as that, and the walk goes on.
 *
 * @throws MintlineError `aws_unavailable`: KMS does not answer now; then the same step is taken again. `database_unavailable`.
 */
export async function judgeKey({ keys, signer, signal, ...sources }: KeyJudging, walk: Walk): Promise<void> {
  const nothing = { ...sources, found: [], error: null }
  if (signer?.kind !== 'kms') return keys.keep(walk, nothing)
  try {
    const { readKeyUsage } = await import('./key-usage-control.ts')
    const usage = await readKeyUsage(signer, signal)
    const judged =
      usage === undefined ? {} : await judgeUse({ keys, signal }, walk, { usage, keyId: signer.keyId })
    await keys.keep(walk, { ...nothing, ...judged })
  } catch (error) {
    // A call that is cut off by a shutdown says nothing of KMS.
    signal.throwIfAborted()
    const isAway = isMintlineError(error, 'aws_unavailable')
    if (isAway && (walk.failingSeconds ?? 0) < longestFailingSeconds) throw error
    if (!isAway && !isMintlineError(error, 'aws_refused')) throw error
    await keys.keep(walk, { ...nothing, error: { code: error.code, detail: error.detail } })
  }
}

interface Use {
  readonly usage: KeyUsage
  readonly keyId: string
}

async function judgeUse(
  { keys, signal }: Pick<KeyJudging, 'keys' | 'signal'>,
  walk: Walk,
  { usage, keyId }: Use
): Promise<{ readonly found: readonly FoundFinding[] } | { readonly error: WalkError }> {
  const { usedAt, operation, cloudTrailEventId } = usage
  const { lastAt, hasOpen, detachedUntil } = await keys.findOwnUses(walk)
  const earliest = new Date(usedAt.getTime() - apartMs)
  if (lastAt >= earliest) return { found: [] }
  if (detachedUntil !== null && earliest < detachedUntil) return { error: notKnown(ofDetachedMonths) }
  const isLate = await keys.hasLateCompletion(walk, earliest, signal)
  if (isLate === true) return { found: [] }
  if (isLate === undefined) return { error: notKnown(ofTooMany) }
  if (hasOpen) return { error: notKnown(ofOpenIntents) }
  // Nothing comes of it, and who may verify may not sign.
  if (operation === 'Verify') return { error: notKnown(ofVerify) }
  const details = {
    keyId,
    usedAt: usedAt.toISOString(),
    explainedUntil: lastAt.toISOString(),
    ...(operation !== undefined && { operation }),
    ...(cloudTrailEventId !== undefined && { cloudTrailEventId })
  }
  // A later use is another alarm.
  const keyHex = createHash('sha256').update(details.usedAt).digest('hex')
  return { found: [{ kind: 'key-used-elsewhere', keyHex, intentId: null, details }] }
}

const notKnown = (detail: string): WalkError => ({ code: 'key_use_not_known', detail })

const ofOpenIntents =
  'The KMS key was used later than for anything that has an outcome, and there are intents without one, which may have been signed then. Have these completed or void them (GET /v1/issuances?outcome=unknown), and look again.'
const ofDetachedMonths =
  'The KMS key was used last at a time of which a month is detached: what was signed then is not to be seen. Look the use up in CloudTrail, or attach the month and look again.'
const ofTooMany =
  'The KMS key was used later than for anything that was issued lately, and the database did not find out within a minute whether something older was completed then. Look the use up in CloudTrail, and look again when less is issued.'
const ofVerify =
  'KMS says that the key was used last to verify a signature (Verify), which hides when it signed last. Nothing of Mintline does that: look up in CloudTrail who has, and take kms:Verify from them.'
