import type { MintlineError } from '../../errors/mintline-error.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import type { IntentOutcome } from '../commit/cycle-store.ts'
import type { Draft } from '../draft.ts'
import { lotRefusal } from '../refusals/lot-refusal.ts'
import { keyRefusalOf } from '../refusals/refusal.ts'
import type { IssuanceRequest } from '../request.ts'
import type { UnexpectedDevice } from './device-refusal.ts'

export interface CommitRefusals {
  readonly blockedKeys: Pick<BlockedKeys, 'refusalOf'>
  /** What to tell of a device that its lot does not expect. */
  readonly refuseUnexpected: (device: UnexpectedDevice) => Promise<MintlineError>
}

interface Refused {
  /** With the lot in which the device has its place, where it named none. */
  readonly request: IssuanceRequest
  readonly draft: Draft
}

/** @returns why the commit of an intent did not take it, by what held then. */
export async function commitRefusal(
  { blockedKeys, refuseUnexpected }: CommitRefusals,
  outcome: Extract<IntentOutcome, { kind: 'blocked' | 'of-station' | 'no-place' | 'unexpected' }>,
  { request, draft }: Refused
): Promise<MintlineError> {
  const { station, profile, lot = '' } = request
  switch (outcome.kind) {
    case 'blocked':
    case 'of-station':
      return keyRefusalOf(blockedKeys, outcome, { ...draft.intent, station })
    case 'no-place':
      return lotRefusal(outcome.verdict, request)
    case 'unexpected':
      return refuseUnexpected({ ...outcome, lot, profile, draft })
  }
}
