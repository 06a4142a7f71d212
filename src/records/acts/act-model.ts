import { orNull, text, timestamptz, uuid } from '../../database/column.ts'
import type { FinalReason } from '../../pki/revocation/reason.ts'

/* Of the declaration of the record: what came of a request that was answered. Each is there once there was such an act. */

/** Of an intent that was declared void. */
export const voidFacts = {
  voidedAt: timestamptz('created_at'),
  /** As `role/name`. */
  voidedBy: text('actor'),
  voidReason: text('reason')
}

/** Of an issuance whose device an operator or administrator let have its next certificate. */
export const releaseFacts = {
  releasedAt: timestamptz('created_at'),
  /** As `role/name`. */
  releasedBy: text('actor'),
  releaseReason: text('reason')
}

/** Of a certificate whose device is no more. */
export const scrapFacts = {
  scrappedAt: timestamptz('created_at'),
  /** As `role/name`. */
  scrappedBy: text('actor'),
  scrapReason: text('note')
}

/** Of a certificate in whose place another has come. */
export const supersessionFacts = {
  supersededAt: timestamptz('created_at'),
  /** Id of that other's record. */
  successor: uuid('successor_id'),
  /** When it ends; null: when the other is first seen connected. */
  endsAt: orNull(timestamptz('ends_at'))
}

const endedMeanwhile = "status.state <> 'revoked' AND status.ends_at <= now()"
const isRevoked = `(status.state = 'revoked' OR ${endedMeanwhile})`
const isHeld = `(status.state = 'held' AND (${endedMeanwhile}) IS NOT TRUE)`
const wherever = (condition: string, sql: string) => `CASE WHEN ${condition} THEN ${sql} END`

/** `revoked`, `held` or null, of a row of `certificate_status` as `status`: what the facts below tell. */
export const standingOfStatus = `CASE WHEN ${isRevoked} THEN 'revoked' WHEN ${isHeld} THEN 'held' END`

/** Of a certificate that is revoked, by an act or because it was scrapped or superseded. */
export const revocationFacts = {
  revokedAt: timestamptz(
    `CASE WHEN status.state = 'revoked' THEN status.since WHEN ${endedMeanwhile} THEN status.ends_at END`
  ),
  /** As `role/name`; null where its time as a superseded one is over, and that is not written yet. */
  revokedBy: orNull(text(wherever("status.state = 'revoked'", 'status_act.actor'))),
  revocationReason: text<FinalReason>(
    wherever(isRevoked, `CASE WHEN status.state = 'revoked' THEN status.reason ELSE 'superseded' END`)
  ),
  /** Null as above. */
  revocationNote: orNull(text(wherever("status.state = 'revoked'", 'status_act.note'))),
  /** Since when its key may have been in other hands; null where that was not told. */
  invalidityDate: orNull(timestamptz('status.invalidity_date'))
}

/** Read along with these, and told by a word of its own. */
export const revocationColumns = {
  ...revocationFacts,
  /** The act that ended it; null where none did, or its end is not written yet. */
  endingAct: orNull(text<'revoke' | 'end'>(wherever("status.state = 'revoked'", 'status_act.act'))),
  /** What the certificate was before that; null as above. */
  stateBefore: orNull(text(wherever("status.state = 'revoked'", 'status_act.state_before')))
}

/** Of a certificate that is on hold. */
export const holdFacts = {
  heldAt: timestamptz(wherever(isHeld, 'status.since')),
  /** As `role/name`. */
  heldBy: text(wherever(isHeld, 'status_act.actor')),
  holdNote: text(wherever(isHeld, 'status_act.note'))
}

/** Of a refusal whose bytes were blanked. */
export const purgeFacts = {
  purgedAt: timestamptz('created_at'),
  /** As `role/name`. */
  purgedBy: text('actor'),
  purgeReason: text('reason')
}
