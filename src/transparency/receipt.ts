import type { KnownLogs } from './known-logs.ts'
import { type KeyVerdict, verifyCheckpoint } from './note/verification.ts'
import { labelOf, type VerifierKey } from './note/verifier-key.ts'
import type { TlogProof } from './tlog-proof.ts'
import { isIncluded } from './tree/inclusion.ts'
import { hashLeaf } from './tree/tree-hash.ts'

/** Whom the holder of a receipt trusts. */
export interface ReceiptPolicy {
  readonly logs: KnownLogs
  /** Several keys of one name are one witness. */
  readonly witnesses: readonly VerifierKey[]
  /** How many of the witnesses must have cosigned. */
  readonly quorum: number
}

/** What keeps a receipt from proving anything. */
export interface ReceiptFinding {
  readonly code:
    'log_unknown' | 'log_signature_missing' | 'signature_invalid' | 'quorum_missed' | 'entry_not_included'
  readonly expected: string
  readonly found: string
}

/** A witness whose cosignature holds. */
export interface WitnessStatement {
  readonly name: string
  /** Seconds since 1970; of several cosignatures the earliest. */
  readonly time: number
}

export interface ReceiptVerdict {
  /** In the order in which they were looked for; with none, the log had the entry, and that is all it says. */
  readonly findings: readonly ReceiptFinding[]
  /** Keys of the log whose signatures hold. */
  readonly logKeys: readonly VerifierKey[]
  readonly witnesses: readonly WitnessStatement[]
}

/**
 * Holds a receipt against whom its holder trusts, and against the entry that it is to be of. No clock is asked.
 *
 * @throws what `verifyCheckpoint` throws.
 */
export async function judgeReceipt(
  { index, proof, checkpoint }: TlogProof,
  entry: Uint8Array,
  policy: ReceiptPolicy
): Promise<ReceiptVerdict> {
  const { origin, size } = checkpoint
  const keys = policy.logs.get(origin)
  const ofLog = await verifyCheckpoint(checkpoint, keys ?? [])
  const ofWitnesses = await verifyCheckpoint(checkpoint, policy.witnesses)
  const logKeys = ofLog.filter(isValid).map(({ key }) => key)
  const witnesses = statementsOf(ofWitnesses.filter(isValid))
  const findings: ReceiptFinding[] = []
  if (keys === undefined) {
    const expected = `one of the logs ${[...policy.logs.keys()].join(', ')}`
    findings.push({ code: 'log_unknown', expected, found: origin })
  } else if (ofLog.length === 0) {
    const expected = `a signature by ${keys.map(labelOf).join(' or ')}`
    findings.push({ code: 'log_signature_missing', expected, found: 'none' })
  }
  for (const { key } of [...ofLog, ...ofWitnesses].filter(verdict => !isValid(verdict)))
    findings.push({
      code: 'signature_invalid',
      expected: `a signature by ${labelOf(key)} on this checkpoint`,
      found: 'one that does not verify'
    })
  if (witnesses.length < policy.quorum) {
    const expected = `cosignatures of ${policy.quorum} witnesses`
    findings.push({ code: 'quorum_missed', expected, found: `those of ${witnesses.length}` })
  }
  if (!isIncluded({ index, hash: hashLeaf(entry) }, checkpoint, proof)) {
    const expected = `the entry at ${index} of ${size}`
    findings.push({
      code: 'entry_not_included',
      expected,
      found: 'a proof that does not lead from it to the root'
    })
  }
  return { findings, logKeys, witnesses }
}

const isValid = (verdict: KeyVerdict) => verdict.isValid

function statementsOf(verdicts: readonly KeyVerdict[]): readonly WitnessStatement[] {
  const times = new Map<string, number>()
  for (const { key, time = Infinity } of verdicts)
    times.set(key.name, Math.min(time, times.get(key.name) ?? Infinity))
  return [...times].map(([name, time]) => ({ name, time }))
}
