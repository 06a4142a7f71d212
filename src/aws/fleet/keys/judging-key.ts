import { createHash } from 'node:crypto'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import type { SignerReference } from '../../../signing/signers/signer-reference.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { FoundFinding } from '../finding.ts'
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

/**
 * Holds the last use of a CA's KMS key against what is on record. What cannot be known is kept as that, and the walk goes on.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function judgeKey({ keys, signer, signal, ...sources }: KeyJudging, walk: Walk): Promise<void> {
  const nothing = { ...sources, found: [], error: null }
  if (signer?.kind !== 'kms') return keys.keep(walk, nothing)
  try {
    const { readKeyUsage } = await import('./key-usage-control.ts')
    const usage = await readKeyUsage(signer, signal)
    const found = usage === undefined ? [] : await findUnexplained(keys, walk, { usage, keyId: signer.keyId })
    await keys.keep(walk, { ...nothing, found })
  } catch (error) {
    if (!isMintlineError(error, 'aws_refused') && !isMintlineError(error, 'aws_unavailable')) throw error
    await keys.keep(walk, { ...nothing, error: { code: error.code, detail: error.detail } })
  }
}

async function findUnexplained(
  keys: KeyStore,
  walk: Walk,
  { usage, keyId }: { readonly usage: KeyUsage; readonly keyId: string }
): Promise<readonly FoundFinding[]> {
  const { usedAt, operation, cloudTrailEventId } = usage
  const { lastAt, hasOpen } = await keys.findOwnUses(walk)
  const earliest = new Date(usedAt.getTime() - apartMs)
  if (lastAt >= earliest || (await keys.hasLateCompletion(walk, earliest))) return []
  if (hasOpen) throw openIntents
  const details = {
    keyId,
    usedAt: usedAt.toISOString(),
    explainedUntil: lastAt.toISOString(),
    ...(operation !== undefined && { operation }),
    ...(cloudTrailEventId !== undefined && { cloudTrailEventId })
  }
  // A later use is another alarm.
  const keyHex = createHash('sha256').update(details.usedAt).digest('hex')
  return [{ kind: 'key-used-elsewhere', keyHex, intentId: null, details }]
}

const openIntents = new MintlineError(
  'aws_refused',
  'The KMS key was used later than for anything that has an outcome, and there are intents without one, which may have been signed then. Have these completed or void them (GET /v1/issuances?outcome=unknown), and look again.'
)
