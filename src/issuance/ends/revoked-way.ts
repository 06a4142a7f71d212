import type { ReissueRules } from '../../profiles/reissue/reissue-rules.ts'
import type { IssuanceRecord, IssuedRecord, UnknownRecord } from '../../records/record.ts'

interface Way {
  /** What the device has after it, if anything. */
  readonly later: IssuanceRecord | undefined
  readonly rules: ReissueRules
  /** Then no CSR of that key is certified, whatever the rules say. */
  readonly isKeyBlocked: boolean
  /** When the next one is certified, where the CA is compromised: then a release is all that it takes. */
  readonly afterCompromise: string | undefined
}

/**
 * What a station is told of a certificate that was revoked by an act: the reason's word, not the note, which may say more
 * than the line is to know; and what lets the device have another.
 */
export function revokedWay(
  record: IssuedRecord | UnknownRecord,
  { later, rules, isKeyBlocked, afterCompromise }: Way
): string {
  const reason = record.revocation!.revocationReason
  if (record.outcome === 'unknown')
    return `The certificate of this request was revoked (${reason}) before it was recorded: it is not made any more. Put the device aside. Where it is to have another, an administrator declares the intent void (POST /v1/issuances/${record.id}/void); then ${nextOf(reason, isKeyBlocked)} is certified.`
  const what = `The certificate of this request was revoked (${reason}) and is not handed out again.`
  const laterId = later !== undefined && later.id !== record.id ? later.id : record.supersession?.successor
  if (laterId !== undefined)
    return `${what} The device has another since: that of the issuance ${laterId}. Send the CSR of the key that the device has now.`
  if (afterCompromise !== undefined)
    return `${what} ${wayAfterCompromise(record, isKeyBlocked, afterCompromise)}`
  return `${what} ${wayToAnother(record, isKeyBlocked ? { ...rules, sameKey: 'refuse' } : rules)}`
}

function wayAfterCompromise({ id, release }: IssuedRecord, isKeyBlocked: boolean, when: string): string {
  const next = isKeyBlocked ? 'a CSR of a new key' : 'the same CSR, or one with a new key,'
  if (release !== undefined) return `The device was released: ${next} is certified ${when}.`
  return `Put the device aside. Where it is to have another, an administrator releases it with POST /v1/issuances/${id}/release and a reason; then ${next} is certified ${when}.`
}

function wayToAnother(
  { id, profile, release }: IssuedRecord,
  { reissue, sameKey, atOnce }: ReissueRules
): string {
  const next = sameKey === 'allow' ? 'a CSR' : 'a CSR of a new key'
  if (release !== undefined) return `The device was released: ${next} is certified.`
  if (reissue === 'allow')
    return `A CSR of a new key is certified while the device has fewer than ${atOnce} certificates, as the profile ${profile} allows.`
  const decide = `an administrator releases it with POST /v1/issuances/${id}/release and a reason; then ${next} is certified.`
  return reissue === 'supersede'
    ? `Put the device aside. Where it is to have another, ${decide}`
    : `Take the device out of the line: the profile ${profile} gives it no other. Where it is to have one all the same, an administrator posts the profile ${profile} with reissue "supersede" (POST /v1/profiles); then ${decide}`
}

const nextOf = (reason: string, isKeyBlocked: boolean) =>
  isKeyBlocked || reason === 'keyCompromise' ? 'a CSR of a new key' : 'the same CSR, or one of a new key,'
