import type { Static } from 'typebox'
import type {
  CleanUp,
  CleanUpCount,
  ToldCleanUp,
  ToldItem
} from '../../../../aws/fleet/clean-ups/clean-up.ts'
import { viewBackground } from '../../../schemas/counted-order.ts'
import type { FleetCleanUp, FleetCleanUpCount } from './schemas.ts'

export function viewCleanUp(cleanUp: CleanUp): Static<typeof FleetCleanUp> {
  const { note, selection, expected, counts } = cleanUp
  const { of, authority, region, accountAlias } = selection
  return {
    ...viewBackground(cleanUp),
    of,
    ...(authority !== undefined && { authority }),
    ...(region !== undefined && { region }),
    ...(accountAlias !== undefined && { accountAlias }),
    note,
    expectedCount: expected,
    ...counts
  }
}

export function viewToldCleanUp(told: ToldCleanUp): Static<typeof FleetCleanUp> {
  const troubled = told.troubled.map(item => ({
    ...viewItem(item),
    state: item.state,
    detail: item.detail
  }))
  return { ...viewCleanUp(told), troubled }
}

export function viewCleanUpCount({
  count,
  mayBeLeft,
  hasMore,
  first
}: CleanUpCount): Static<typeof FleetCleanUpCount> {
  return { count, mayBeLeft, hasMore, first: first.map(viewItem) }
}

function viewItem({ authority, region, accountAlias, certificateId, thing, issuanceId }: ToldItem) {
  return {
    authority,
    region,
    ...(accountAlias !== '' && { accountAlias }),
    ...(certificateId !== null && { certificateId }),
    ...(thing !== null && { thing }),
    issuanceId
  }
}
