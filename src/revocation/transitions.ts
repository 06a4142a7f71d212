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
    const { revocationReason, isByAct } = revocation
    return { state: isByAct ? 'revoked' : 'ended', revocationReason }
  }
  if (record.outcome !== 'issued') return { state: 'unissued' }
  return { state: record.hold === undefined ? 'good' : 'held' }
}

export interface AskedAct {
  readonly name: 'revoke' | 'hold' | 'unhold'
  readonly reason: RevocationReason
  /** Of `revoke`: since when its key may have been in other hands. */
  readonly invalidityDate?: Date | undefined
}

/**
 * @returns whether it is so already.
 * @throws MintlineError `revocation_conflict`.
 */
export function assertMay(asked: AskedAct, record: RevocableRecord): boolean {
  const { state, revocationReason } = stateOf(record)
  switch (asked.name) {
    case 'revoke':
      // What the factory ended knows no such time: with one, the act says more than there is.
      if (state === 'ended') return revocationReason === asked.reason && asked.invalidityDate === undefined
      if (state !== 'revoked') return false
      if (revocationReason !== asked.reason || isOfAnotherTime(asked.invalidityDate, record))
        throw revocationConflict(asked, record)
      return true
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

/** An act that leaves the time out asks for no other. */
function isOfAnotherTime(invalidityDate: Date | undefined, { revocation }: RevocableRecord): boolean {
  return invalidityDate !== undefined && invalidityDate.getTime() !== revocation?.invalidityDate?.getTime()
}

/** @param blockedKey of a key that was blocked all the same, since somebody else was faster with the certificate. */
export function revocationConflict(
  asked: AskedAct,
  record: RevocableRecord,
  blockedKey?: string
): MintlineError {
  const { state, revocationReason } = stateOf(record)
  const what = `The certificate of ${record.id} is ${tell(state, revocationReason)}, so it is not ${tellAsked(asked)}.`
  const advice = blockedKey === undefined ? adviceOf(asked, record) : 'Its key is blocked now all the same.'
  const invalidityDate = record.revocation?.invalidityDate?.toISOString()
  return new MintlineError('revocation_conflict', `${what} ${advice}`, {
    members: {
      state,
      ...(revocationReason !== undefined && { revocationReason }),
      ...(invalidityDate !== undefined && { invalidityDate }),
      ...(blockedKey !== undefined && { blockedKey })
    }
  })
}

function tellAsked({ name, reason, invalidityDate }: AskedAct): string {
  if (name === 'hold') return 'put on hold'
  if (name === 'unhold') return 'taken off hold'
  const since = invalidityDate === undefined ? '' : `, invalid since ${invalidityDate.toISOString()}`
  return `revoked for ${reason}${since}`
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

function adviceOf({ name, invalidityDate }: AskedAct, record: RevocableRecord): string {
  const { id, outcome, revocation } = record
  const { state } = stateOf(record)
  switch (state) {
    case 'revoked': {
      if (name !== 'revoke')
        return 'There is no way back. Whether its device gets another, its profile and a release say.'
      if (isOfAnotherTime(invalidityDate, record)) {
        const told = revocation?.invalidityDate?.toISOString()
        const kept = told === undefined ? 'no such time is on record with it' : `on record with it is ${told}`
        return `What is revoked is not changed, and ${kept}. To ask for what is so, send the reason that it has, without invalidityDate.`
      }
      return 'It is out of use as it is, and no other reason comes to it. Where its key is known to others, block the key besides: POST /v1/blocked-keys.'
    }
    case 'ended':
      return `It is handed out no more as it is. Where it is to be revoked for another reason, an administrator does that: POST /v1/issuances/${id}/revoke.`
    case 'unissued':
      return outcome === 'void'
        ? `It is void: nothing is made of it, and nobody has it. Where it may have been signed all the same, an administrator revokes it: POST /v1/issuances/${id}/revoke.`
        : `An administrator revokes it (POST /v1/issuances/${id}/revoke), or ends it with POST /v1/issuances/${id}/void.`
    case 'held':
    case 'good':
      return `Look at it again: GET /v1/issuances/${id}; somebody else has changed it at this moment.`
  }
}
