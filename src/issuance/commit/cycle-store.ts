import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation
} from '../../database/database.ts'
import { withPartitions } from '../../database/partitions.ts'
import { runQuery } from '../../database/run-query.ts'
import type { BlockedReason } from '../../factory/blocked-keys/blocked-key.ts'
import { isListVerdict, type ListVerdict } from '../../factory/lots/devices/list/device-list.ts'
import type { LotVerdict } from '../../factory/lots/lot.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import type { Intent, SignedCertificate } from '../../records/record-model.ts'
import { type Durable, vouchDurable } from '../../signing/durable.ts'
import { certificateBatch, commitStatement, intentBatch, type JudgedIntent } from './commit-statement.ts'

/** What is not as it was when the request was decided. */
export type OutdatedReason = 'authority' | 'profile' | 'token' | 'station'

/** What became of an intent that was handed in for commit. */
export type IntentOutcome =
  /** It is committed: key, device and serial are taken for it, for good. */
  | { readonly kind: 'durable'; readonly intent: Durable<Intent> }
  /**
   * An earlier intent holds the key or the device: the one that the key was first used for, the latest of this device;
   * where it has as many as it may, the latest of these. Nothing was written.
   */
  | { readonly kind: 'taken'; readonly byKey: string | undefined; readonly byDevice: string | undefined }
  /** The key is on the list of those that are certified no more. Nothing was written. */
  | { readonly kind: 'blocked'; readonly reason: BlockedReason }
  /** The key is certified for a station. Nothing was written. */
  | { readonly kind: 'of-station' }
  /** The rules it was made under no longer stand. Nothing was written. */
  | { readonly kind: 'outdated'; readonly reason: OutdatedReason }
  /** The lot has no place for it. Nothing was written. */
  | { readonly kind: 'no-place'; readonly verdict: LotVerdict }
  /** The lot has a list of its devices, and it is not as it says. Nothing was written. */
  | { readonly kind: 'unexpected'; readonly verdict: ListVerdict }
  /** It named no lot, and what its device had before has its place in this one. Nothing was written. */
  | { readonly kind: 'placed'; readonly lot: string }

/** What became of a certificate. */
export type CertificateOutcome =
  | { readonly kind: 'recorded' }
  /** Another process recorded the intent's certificate first, or it was revoked meanwhile: its record says which. */
  | { readonly kind: 'recorded-before' }
  /** The intent has been declared void meanwhile. Nothing was written. */
  | { readonly kind: 'void' }

/** One half of an issuance's cycle. */
export type CycleWrite =
  | { readonly kind: 'intent'; readonly intent: Intent; readonly subject?: Subject }
  | { readonly kind: 'certificate'; readonly certificate: SignedCertificate }

export type CycleOutcome = IntentOutcome | CertificateOutcome

export interface CycleStore {
  /**
   * Commits a group of both halves in one statement, of different requests as they come; one loser hurts no
   * neighbour. When it returns, every outcome is durable. A crash before it returns leaves all of the group or none.
   */
  commit(writes: readonly CycleWrite[]): Promise<readonly CycleOutcome[]>
}

/** A row comes back for what did not simply succeed. */
interface ExceptionRow {
  readonly kind: CycleWrite['kind']
  /** From 1, within its kind. */
  readonly ordinal: number
  readonly authority_active: boolean | null
  readonly profile_current: boolean | null
  readonly token_valid: boolean | null
  /** False also where the profile is not current. */
  readonly profile_allowed: boolean | null
  readonly blocked_reason: BlockedReason | null
  readonly key_of_station: boolean | null
  readonly key_intent_id: string | null
  readonly device_intent_id: string | null
  readonly is_void: boolean | null
  /**
   * `elsewhere`: it names no lot, and its device has its place in `device_lot`. `list_changed`: its lot got another list
   * of devices at this moment, which the statement does not see yet.
   */
  readonly lot_verdict: LotVerdict | ListVerdict | 'elsewhere' | 'list_changed' | null
  readonly device_lot: string | null
}

/** Each lost race means that another process won one, so a handful of tries is plenty. */
const maximumTries = 8

export function createCycleStore(database: Database): CycleStore {
  async function run(intents: readonly JudgedIntent[], certificates: readonly SignedCertificate[]) {
    const parameters = [...intentBatch.parametersOf(intents), ...certificateBatch.parametersOf(certificates)]
    for (let tries = 1; ; tries++) {
      try {
        return await withPartitions(
          database,
          () => [...intents.map(({ id }) => id), ...certificates.map(({ intentId }) => intentId)],
          async () => database.prisma.$queryRawUnsafe<ExceptionRow[]>(commitStatement, ...parameters)
        )
      } catch (error) {
        const isLostRace =
          isUniqueViolation(error) || isRefusedByGuard(error) || isSerializationOrDeadlock(error)
        if (!isLostRace || tries === maximumTries) throw error
      }
    }
  }

  async function commit(writes: readonly CycleWrite[]): Promise<readonly CycleOutcome[]> {
    const intents = writes.flatMap(write => (write.kind === 'intent' ? [judgedIntent(write)] : []))
    const certificates = writes.flatMap(write => (write.kind === 'certificate' ? [write.certificate] : []))
    const rows = await runQuery(() => run(intents, certificates))
    const exceptions = new Map(rows.map(row => [`${row.kind} ${row.ordinal}`, row]))
    const counts = { intent: 0, certificate: 0 }
    const outcomes = writes.map(write => {
      const row = exceptions.get(`${write.kind} ${++counts[write.kind]}`)
      if (write.kind === 'intent') return outcomeOf(write.intent, row)
      return {
        kind: row === undefined ? 'recorded' : row.is_void === true ? 'void' : 'recorded-before'
      } as const
    })
    const undecided = writes.filter((_, index) => outcomes[index] === undefined)
    if (undecided.length === 0) return outcomes as CycleOutcome[]
    // Their siblings are committed now, and at least one more of them will be: this ends.
    const later = [...(await commit(undecided))]
    return outcomes.map(outcome => outcome ?? later.shift()!)
  }

  return { commit }
}

function judgedIntent({ intent, subject }: Extract<CycleWrite, { kind: 'intent' }>): JudgedIntent {
  return { ...intent, subject: (intent.lot !== null && subject) || null }
}

/** Undefined: the intent only lost to a sibling of its group, or to a new list of its lot, and is to be judged again. */
function outcomeOf(intent: Intent, row: ExceptionRow | undefined): IntentOutcome | undefined {
  if (row === undefined) return { kind: 'durable', intent: vouchDurable(intent) }
  if (row.token_valid !== true) return { kind: 'outdated', reason: 'token' }
  if (row.blocked_reason !== null) return { kind: 'blocked', reason: row.blocked_reason }
  if (row.key_of_station === true) return { kind: 'of-station' }
  if (row.key_intent_id !== null || row.device_intent_id !== null) {
    return {
      kind: 'taken',
      byKey: row.key_intent_id ?? undefined,
      byDevice: row.device_intent_id ?? undefined
    }
  }
  if (row.authority_active !== true) return { kind: 'outdated', reason: 'authority' }
  if (row.profile_current !== true) return { kind: 'outdated', reason: 'profile' }
  if (row.profile_allowed !== true) return { kind: 'outdated', reason: 'station' }
  if (row.lot_verdict === 'elsewhere') return { kind: 'placed', lot: row.device_lot! }
  if (row.lot_verdict === null || row.lot_verdict === 'list_changed') return undefined
  if (isListVerdict(row.lot_verdict)) return { kind: 'unexpected', verdict: row.lot_verdict }
  return { kind: 'no-place', verdict: row.lot_verdict }
}
