import type { RevocationReason } from '../pki/revocation/reason.ts'
import type { EventData } from './event-data.ts'

/** An act of revocation, with what it says of the certificate. */
export interface RevocationFact {
  readonly kind: 'revocation'
  readonly issuanceId: string
  readonly serialNumber: string
  readonly certificateId: string | null
  /** Null where the database was changed by hand. */
  readonly authority: string | null
  readonly profile: string | null
  readonly station: string
  readonly line: string | null
  readonly lot: string | null
  readonly act: 'revoke' | 'hold' | 'unhold' | 'end'
  readonly reason: RevocationReason
  readonly before: 'unissued' | 'good' | 'held' | 'ended'
  readonly at: Date
  readonly actor: string
  readonly note: string
  readonly invalidityDate: Date | null
  readonly revocation: string | null
}

export const revocationStatement = `
SELECT act.id, intent.id AS "issuanceId", encode(intent.serial_number, 'hex') AS "serialNumber",
  encode(issued.certificate_id, 'hex') AS "certificateId", authority.name AS authority, profile_version.name AS profile,
  intent.station, intent.line, intent.lot, act.act, act.reason, act.state_before AS before, act.created_at AS at, act.actor,
  act.note, act.invalidity_date AS "invalidityDate", act.order_id AS revocation
FROM revocation_act AS act
JOIN intent ON intent.id = act.intent_id
LEFT JOIN issued ON issued.intent_id = intent.id
LEFT JOIN authority ON authority.id = intent.authority_id
LEFT JOIN profile_version ON profile_version.id = intent.profile_version_id
WHERE act.id = ANY ($1::uuid[])`

export function describeRevocation(fact: RevocationFact): EventData['mintline.issuance.revoked'] {
  const { issuanceId, serialNumber, certificateId, authority, profile, station, line, lot } = fact
  const { act, reason, before, at, actor, note, invalidityDate, revocation } = fact
  return {
    issuanceId,
    serialNumber,
    certificateId,
    ...(authority !== null && { authority }),
    ...(profile !== null && { profile }),
    station,
    line,
    lot,
    act,
    reason,
    before,
    after: act === 'hold' ? 'held' : act === 'unhold' ? 'good' : 'revoked',
    at: at.toISOString(),
    actor,
    note,
    ...(invalidityDate !== null && { invalidityDate: invalidityDate.toISOString() }),
    ...(revocation !== null && { revocation })
  }
}
