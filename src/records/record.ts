import type { Principal } from '../access/principal.ts'
import type { ErrorCode, Violation } from '../errors/mintline-error.ts'
import type { PredictedThing } from '../jitp/evaluation/prediction.ts'
import type { Subject } from '../pki/name/subject-field.ts'

/** What a station asks for. */
export interface IssuanceRequest {
  /** As it was sent: DER, PEM or bare base64. */
  readonly csr: Uint8Array
  readonly profile: string
  readonly metadata: Readonly<Record<string, string>>
  readonly station: Principal
  /** The HTTP request's id, so that the record can be found from the log and back. */
  readonly requestId: string
}

interface CommonFields {
  /** UUIDv7; its time is `createdAt`. */
  readonly id: string
  readonly createdAt: Date
  readonly station: string
  readonly profile: string
  readonly metadata: Readonly<Record<string, string>>
  readonly requestId: string
}

interface IntentFields extends CommonFields {
  readonly profileVersion: number
  /** Lower-case hex SHA-256 of the provisioning template body it was checked against. */
  readonly templateSha256: string
  /** The generation that signs, e.g. `starter-g1`. */
  readonly authority: string
  /** Lower-case hex of the serial number's content octets. */
  readonly serialNumber: string
  readonly subject: Subject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly csrDer: Uint8Array
}

/** A certificate that was signed, verified and recorded. */
export interface IssuedRecord extends IntentFields {
  readonly outcome: 'issued'
  readonly issuedAt: Date
  /** Lower-case hex SHA-256 of the certificate DER: AWS IoT's id for it. */
  readonly certificateId: string
  readonly certificateDer: Uint8Array
  /** What AWS IoT will make at first connect; null where the template makes no thing. */
  readonly thing: PredictedThing | null
  /** Device certificate first, then the issuing CA, then intermediates above it; no root above an intermediate. */
  readonly chainDer: readonly Uint8Array[]
}

/**
 * An intent without a record: in flight, or cut off by a crash between intent and record. No certificate of it
 * ever left the service. The station's retry completes it.
 */
export interface UnknownRecord extends IntentFields {
  readonly outcome: 'unknown'
}

/** A request that was refused. */
export interface Refusal extends CommonFields {
  readonly outcome: 'rejected'
  readonly code: ErrorCode
  readonly detail: string
  readonly violations: readonly Violation[]
  readonly profileVersion: number | undefined
  readonly authority: string | undefined
  /** The CSR as it was sent. */
  readonly csr: Uint8Array
}

export type IssuanceRecord = IssuedRecord | UnknownRecord | Refusal

export const outcomes = ['issued', 'rejected', 'unknown'] as const
export type Outcome = (typeof outcomes)[number]

export interface IssuanceResult {
  readonly record: IssuedRecord
  /** True when the station had asked for the same before and gets the same bytes again. */
  readonly replayed: boolean
}

/** All given conditions hold together; `from` is inclusive, `to` exclusive. */
export interface IssuanceQuery {
  readonly serialNumber?: string
  readonly certificateId?: string
  readonly station?: string
  readonly profile?: string
  readonly authority?: string
  readonly outcome?: Outcome
  readonly from?: Date
  readonly to?: Date
  /** The `nextCursor` of the page before. */
  readonly cursor?: string
  readonly limit: number
}

/** Newest first. `nextCursor` is there while older ones remain. */
export interface IssuancePage {
  readonly items: readonly IssuanceRecord[]
  readonly nextCursor: string | undefined
}
