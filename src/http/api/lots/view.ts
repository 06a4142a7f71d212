import { type Lot, type LotFlag, type LotProgress, stateAt } from '../../../factory/lots/lot.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import type { LotProgressView, LotView } from './schemas.ts'

export function viewLot(lot: Lot): LotView {
  const { id, profile, quantity, stations, opensAt, closesAt } = lot
  return {
    id,
    profile,
    quantity,
    ...(stations.length > 0 && { stations: [...stations] }),
    ...(opensAt !== null && { opensAt: opensAt.toISOString() }),
    ...(closesAt !== null && { closesAt: closesAt.toISOString() }),
    state: stateAt(lot, new Date()),
    createdAt: lot.createdAt.toISOString(),
    createdBy: lot.createdBy,
    changedAt: lot.changedAt.toISOString(),
    changedBy: lot.changedBy,
    ...(lot.flags.length > 0 && { flags: lot.flags.map(viewLotFlag) })
  }
}

function viewLotFlag({ reason, station, createdAt }: LotFlag) {
  return { reason, station, at: createdAt.toISOString() }
}

export function viewLotProgress(lot: LotProgress, statement?: string): LotProgressView {
  const { quantity, issued, open, refused, scrapped, devices, devicesIssued, stationShares } = lot
  return {
    ...viewLot(lot),
    ordered: quantity,
    issued,
    open,
    refused,
    scrapped,
    remaining: quantity - issued - open,
    ...(devices && {
      devices: {
        expected: devices.devices,
        issued: devicesIssued,
        outstanding: Math.max(devices.devices - devicesIssued, 0),
        sha256: toHex(devices.sha256)
      }
    }),
    perStation: stationShares.map(share => ({ ...share })),
    ...(statement !== undefined && { statement })
  }
}
