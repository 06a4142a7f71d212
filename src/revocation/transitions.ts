import { MintlineError } from '../errors/mintline-error.ts'
import type { RevocationReason } from '../pki/revocation/reason.ts'
import type { IssuedRecord, UnknownRecord, VoidRecord } from '../records/record.ts'

/** Whatever has a serial number. */
export type RevocableRecord = IssuedRecord | UnknownRecord | VoidRecord

interface State {
  /** `ended`: scrapped or superseded, which a later reason may follow. */
  readonly state: 'unissued' | 'good' | 'held' | 'ended' | 'revoked'
  readonly revocationReason?: RevocationReason
}

/** In which state a certificate is, as the database's guard has it. */
export function stateOf(record: RevocableRecord): State {
  const { revocation } = record
  if (revocation !== undefined) {
    const { revocationReason } = revocation
    return { state: isByFactory(record) ? 'ended' : 'revoked', revocationReason }
  }
  if (record.outcome !== 'issued') return { state: 'unissued' }
  return { state: record.hold === undefined ? 'good' : 'held' }
}

/** What scrapping and superseding come to. An act that says the very same besides is told from them by nobody. */
function isByFactory(record: RevocableRecord): boolean {
  if (record.outcome !== 'issued') return false
  const reason = record.revocation?.revocationReason
  return (
    (record.scrap !== undefined && reason === 'cessationOfOperation') ||
    (record.supersession !== undefined && reason === 'superseded')
  )
}

interface AskedAct {
  readonly name: 'revoke' | 'hold' | 'unhold'
  readonly reason: RevocationReason
}

/**
 * @returns whether it is so already.
 * @throws MintlineError `revocation_conflict`.
 */
export function assertMay(asked: AskedAct, record: RevocableRecord): boolean {
  const { state, revocationReason } = stateOf(record)
  switch (asked.name) {
    case 'revoke':
      if (revocationReason === asked.reason) return true
      if (state === 'revoked') throw revocationConflict(asked, record)
      return false
    case 'hold':
      if (state === 'held') return true
      if (state !== 'good') throw revocationConflict(asked, record)
      return false
    case 'unhold':
      if (state === 'good') return true
      if (state !== 'held') throw revocationConflict(asked, record)
      return false
  }
}

export function revocationConflict({ name, reason }: AskedAct, record: RevocableRecord): MintlineError {
  const { state, revocationReason } = stateOf(record)
  const asked =
    name === 'revoke' ? `revoked for ${reason}` : name === 'hold' ? 'put on hold' : 'taken off hold'
  const detail = `The certificate of ${record.id} is ${tell(state, revocationReason)}, so it is not ${asked}. ${adviceOf(record, state)}`
  return new MintlineError('revocation_conflict', detail, {
    members: { state, ...(revocationReason !== undefined && { revocationReason }) }
  })
}

function tell(state: State['state'], reason: RevocationReason | undefined): string {
  switch (state) {
    case 'revoked':
      return `revoked for ${reason}, which is for good`
    case 'ended':
      return `ended (${reason})`
    case 'held':
      return 'on hold'
    case 'good':
      return 'good'
    case 'unissued':
      return 'not on record'
  }
}

function adviceOf({ id }: RevocableRecord, state: State['state']): string {
  switch (state) {
    case 'revoked':
      return 'Where its key is known to others, block the key besides: POST /v1/blocked-keys.'
    case 'ended':
      return `It is handed out no more as it is; to revoke it for another reason, POST /v1/issuances/${id}/revoke.`
    case 'unissued':
      return `Revoke it (POST /v1/issuances/${id}/revoke), or end it with POST /v1/issuances/${id}/void.`
    case 'held':
    case 'good':
      return `Look at it again: GET /v1/issuances/${id}; somebody else has changed it at this moment.`
  }
}
