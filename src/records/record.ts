import type { ErrorCode, Violation } from '../errors/mintline-error.ts'
import type { PageQuery } from '../sources/page.ts'
import type {
  HoldFacts,
  IntentFacts,
  IssuedFacts,
  ReleaseFacts,
  RevocationFacts,
  ScrapFacts,
  StoredRefusalFacts,
  SupersessionFacts,
  VoidFacts
} from './facts.ts'
import type { TermName } from './search/term.ts'

/** That a certificate is revoked. */
export interface Revoked extends RevocationFacts {
  /** By somebody's revocation, after which nothing comes; else it was scrapped, or superseded, which a revocation may follow. */
  readonly isByAct: boolean
  /** Whether it was on hold until then. */
  readonly wasHeld: boolean
}

/** What one account and region of AWS IoT is told of a certificate that is or was out of use, and how far that has come. */
export interface PushStand {
  readonly region: string
  /** Null for the SDK's own chain. */
  readonly accountAlias: string | null
  readonly state: 'waiting' | 'unseen' | 'absent' | 'done' | 'refused' | 'over'
  /** The status that AWS had at the last look; null where it had none. */
  readonly observed: string | null
  readonly pushedAt: Date | null
  readonly checkedAt: Date | null
  /** Why the last try was in vain; null after one that was not. */
  readonly lastError: { readonly code: string; readonly detail: string } | null
}

/** By which a record is found by its key. */
interface KeyNamed {
  /** SHA-256 of the key's SubjectPublicKeyInfo, as lower-case hex. */
  readonly spkiSha256: string
}

/** A certificate that was signed, verified and recorded. */
export interface IssuedRecord extends IssuedFacts, KeyNamed {
  readonly outcome: 'issued'
  readonly csrDer: Uint8Array
  readonly certificateDer: Uint8Array
  /** Device certificate first, then the issuing CA, then intermediates above it; no root above an intermediate. */
  readonly chainDer: readonly Uint8Array[]
  /** Where it is damaged: how that shows. Such a certificate leaves the service no more. */
  readonly damage?: Violation
  /** Where the key of its generation is compromised. No requester gets such a certificate again; readers of the record do. */
  readonly compromised?: true
  /** Where the device may have its next certificate, by an act. */
  readonly release?: ReleaseFacts
  /** Where its device is no more. No requester gets such a certificate again. */
  readonly scrap?: ScrapFacts
  /** Where its device has another in its place. No requester gets such a certificate again. */
  readonly supersession?: SupersessionFacts
  /** Where it is revoked, also by one of the last two. No requester gets such a certificate again. */
  readonly revocation?: Revoked
  /** Where it is on hold. No requester gets it meanwhile. */
  readonly hold?: HoldFacts
  /** Where it was asked for, and AWS IoT is told anything. */
  readonly awsPushes?: readonly PushStand[]
}

/**
 * An intent without a certificate: in flight, or cut off by a crash between the two. No certificate of it ever left
 * the service. The station's retry completes it.
 */
export interface UnknownRecord extends IntentFacts, KeyNamed {
  readonly outcome: 'unknown'
  readonly csrDer: Uint8Array
  /** Where its serial number was revoked, since it may have been signed: then nothing completes it. */
  readonly revocation?: Revoked
}

/** An intent that was declared void: no certificate of it is on record, and none ever will be. */
export interface VoidRecord extends VoidFacts, KeyNamed {
  readonly outcome: 'void'
  readonly csrDer: Uint8Array
  /** Where its serial number was revoked, since it may have been signed. */
  readonly revocation?: Revoked
}

/** A request that was refused. */
export interface Refusal extends StoredRefusalFacts {
  readonly outcome: 'rejected'
  /** The CSR as it was sent; empty where it is withheld or was purged. */
  readonly csr: Uint8Array
  /** Where it is read by itself or they were asked for, and there were any. */
  readonly repeats?: Repeats
}

/** The same request again, refused for the same reason and not recorded anew. */
export interface Repeats {
  readonly count: number
  readonly lastAt: Date
}

export type IssuanceRecord = IssuedRecord | UnknownRecord | VoidRecord | Refusal

/** How the answer to a later request names an earlier one. */
export function earlierIssuanceOf({ id, serialNumber, createdAt }: IntentFacts) {
  return { id, serialNumber, requestedAt: createdAt.toISOString() }
}

export const outcomes = ['issued', 'rejected', 'unknown', 'void'] as const
export type Outcome = (typeof outcomes)[number]

/** What a record is now. `refused` is the outcome `rejected`; the last three are certificates that ended, or rest. */
export const recordStates = ['issued', 'refused', 'unknown', 'void', 'revoked', 'superseded', 'held'] as const
export type RecordState = (typeof recordStates)[number]

/** What a record is now. */
export function stateOf(record: IssuanceRecord): RecordState {
  if (record.outcome === 'rejected') return 'refused'
  if (record.outcome !== 'issued') return record.outcome
  if (record.revocation !== undefined) return 'revoked'
  if (record.hold !== undefined) return 'held'
  return record.supersession === undefined ? 'issued' : 'superseded'
}

/** All given conditions hold together; `from` is inclusive, `to` exclusive. */
export interface IssuanceQuery extends PageQuery {
  readonly serialNumber?: string
  readonly certificateId?: string
  readonly station?: string
  /** Of production: records of these alone. */
  readonly lines?: readonly string[]
  readonly profile?: string
  readonly authority?: string
  readonly outcome?: Outcome
  readonly from?: Date
  readonly to?: Date
  /** Of production; with `lines`, both hold. From here on, found within two seconds of the commit. */
  readonly line?: string
  readonly site?: string
  readonly lot?: string
  readonly credential?: string
  /** Of the request whose record it is: a repeat has another. Looked for along all records of the time. */
  readonly requestId?: string
  readonly profileVersion?: number
  /** Lower-case hex. */
  readonly spkiSha256?: string
  /** Of refusals. */
  readonly code?: ErrorCode
  readonly state?: RecordState
  /** Whether it came in the place of another certificate of its device. */
  readonly rework?: boolean
  /** Exclusive. */
  readonly expiresBefore?: Date
  /** Inclusive. */
  readonly expiresAfter?: Date
  /** Whether refusals are to have their repeats. */
  readonly withRepeats?: boolean
  /** Whether certificates are to have what AWS IoT is told of them. */
  readonly withPushes?: boolean
  /** One of them may be a beginning. */
  readonly terms?: readonly TermCondition[]
  /** How names begin. The order stays that of the ids. */
  readonly beginnings?: Beginnings
}

/** Of what records are searched by. */
export type Beginnings = Readonly<Partial<Record<'station' | 'line' | 'site' | 'lot' | 'authority', string>>>

/** A subject value, the thing's name, or metadata as `key:value`, that a record must have. */
export interface TermCondition {
  readonly name: TermName
  readonly value: string
  /** Whether it is how the value begins. Then the order goes by the value, and by the ids of those that have the same. */
  readonly isPrefix: boolean
}
