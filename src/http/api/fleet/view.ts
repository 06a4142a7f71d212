import type { Static } from 'typebox'
import { isAlarm } from '../../../aws/fleet/finding.ts'
import type { Finding, FleetPlace } from '../../../aws/fleet/reading/fleet.ts'
import type { Reconciliation, ToldReconciliation, ToldWalk } from '../../../aws/fleet/reconciliation.ts'
import { viewBackground } from '../../schemas/counted-order.ts'
import type { FleetFindingView, FleetReconciliation, FleetSummary } from './schemas.ts'

type ReconciliationView = Static<typeof FleetReconciliation>
type SummaryView = Static<typeof FleetSummary>

export function viewReconciliation(reconciliation: Reconciliation): ReconciliationView {
  const { note, neverSeenDays, things } = reconciliation
  return { ...viewBackground(reconciliation), ...(note !== null && { note }), neverSeenDays, things }
}

export function viewToldReconciliation(told: ToldReconciliation): ReconciliationView {
  return { ...viewReconciliation(told), parts: told.walks.map(viewWalk) }
}

function viewWalk({ authority, place, phase, listed, asked, held, endedAt, lastError, keyError }: ToldWalk) {
  return {
    authority,
    ...(place !== undefined && {
      region: place.region,
      ...(place.accountAlias !== '' && { accountAlias: place.accountAlias })
    }),
    phase,
    listed,
    asked,
    ...(held !== null && { held: { ...held, byStatus: { ...held.byStatus } } }),
    ...(endedAt !== null && { endedAt: endedAt.toISOString() }),
    ...(lastError !== null && { lastError }),
    ...(keyError !== null && { keyError })
  }
}

export function viewSummary(places: readonly FleetPlace[]): SummaryView {
  return {
    openAlarms: places.reduce((sum, { openAlarms }) => sum + openAlarms, 0),
    places: places.map(viewPlace)
  }
}

interface Placed {
  readonly authority: string
  readonly registrationId: string | null
  readonly region: string | null
  readonly accountAlias: string | null
}

function placeMembersOf({ authority, registrationId, region, accountAlias }: Placed) {
  return {
    authority,
    ...(registrationId !== null && { registration: registrationId }),
    ...(region !== null && { region }),
    ...(accountAlias !== null && accountAlias !== '' && { accountAlias })
  }
}

function viewPlace(place: FleetPlace): SummaryView['places'][number] {
  const { held, lookedAt, reconciliation, findings, openAlarms, lastError } = place
  return {
    ...placeMembersOf(place),
    ...(held !== null && { held: { ...held, byStatus: { ...held.byStatus } } }),
    ...(lookedAt !== null && { lookedAt: lookedAt.toISOString() }),
    ...(reconciliation !== null && { reconciliation }),
    findings: { ...findings },
    openAlarms,
    ...(lastError !== null && { lastError: { code: lastError.code, detail: lastError.detail } })
  }
}

export function viewFinding(finding: Finding): FleetFindingView {
  const { id, kind, certificateId, issuanceId, details, foundAt, confirmedAt } = finding
  const { acknowledgedAt, acknowledgedBy, acknowledgeNote } = finding
  const { certificateId: _, ...known } = details
  return {
    id,
    kind,
    ...placeMembersOf(finding),
    ...(certificateId !== null && { certificateId }),
    ...(issuanceId !== null && { issuanceId }),
    isAlarm: isAlarm(kind),
    foundAt: foundAt.toISOString(),
    confirmedAt: confirmedAt.toISOString(),
    ...(acknowledgedAt !== null && { acknowledgedAt: acknowledgedAt.toISOString() }),
    ...(acknowledgedBy !== null && { acknowledgedBy }),
    ...(acknowledgeNote !== null && { acknowledgeNote }),
    details: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null))
  }
}

const plain = [
  'id',
  'kind',
  'authority',
  'region',
  'accountAlias',
  'certificateId',
  'issuanceId',
  'foundAt',
  'confirmedAt',
  'acknowledgedAt',
  'acknowledgedBy',
  'acknowledgeNote',
  'details'
] as const

export const findingColumns = Object.fromEntries(
  plain.map(name => [name, (finding: FleetFindingView) => finding[name]])
)
