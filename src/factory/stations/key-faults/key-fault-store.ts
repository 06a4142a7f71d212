import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import {
  type Database,
  isSerializationOrDeadlock,
  type Prisma,
  transactionLimits
} from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import type { KeyFault, KeyFaultKind } from './fault.ts'

/** What is on record of the faults of one station. */
export interface CountedFault extends Pick<KeyFault, 'weaknesses' | 'spkiSha256' | 'lot'> {
  readonly kind: KeyFaultKind
}

interface KeyFaultRules {
  /** Faults before it do not count, nor those before the station was last resumed. */
  readonly since: Date
  /** How many new ones of those that come together are kept. */
  readonly enough: number
  /** The pause, where so much is one. */
  readonly pauseOf: (counted: readonly CountedFault[]) => Pause | undefined
}

/** Of a station; the lots that it sent faulty keys for are flagged with it. */
export interface Pause {
  readonly event: AuditEvent
  /** Ids as the requests named them. */
  readonly lots: readonly string[]
  readonly eventOfLot: (lot: string) => AuditEvent
}

export interface KeyFaultStore {
  /**
   * Puts the faults of a station on record, each request once, and has the station paused where `pauseOf` says so, and
   * its lots flagged, in one transaction; nothing of a station that is paused already. Other processes wait meanwhile.
   *
   * @returns whether it was paused.
   */
  note(station: string, faults: readonly KeyFault[], rules: KeyFaultRules): Promise<boolean>
}

const maximumTries = 8

export function createKeyFaultStore({ prisma }: Database): KeyFaultStore {
  async function noteOnce(
    ...[station, faults, { since, enough, pauseOf }]: Parameters<KeyFaultStore['note']>
  ) {
    return prisma.$transaction(async transaction => {
      const [found] = await transaction.$queryRaw<{ id: string; isPaused: boolean; countsFrom: Date }[]>`
        SELECT id, paused_at IS NOT NULL AS "isPaused", greatest(resumed_at, ${since}) AS "countsFrom"
        FROM station WHERE name = ${station} FOR UPDATE`
      if (found === undefined || found.isPaused) return false
      const { id: stationId, countsFrom } = found
      const data = await leaveOutKnown(
        transaction,
        faults.map(fault => toRow(stationId, fault))
      )
      if (data.length === 0) return false
      // More than pauses it would be kept for nothing.
      await transaction.stationKeyFault.createMany({ data: data.slice(0, enough) })
      const pause = pauseOf(await findCounted(transaction, stationId, countsFrom))
      if (pause === undefined) return false
      const { createdAt } = pause.event
      await transaction.station.update({
        where: { id: stationId },
        data: { pausedAt: createdAt, pauseReason: 'key_faults' }
      })
      await insertAuditEvent(transaction, pause.event)
      await flagLots(transaction, { station, createdAt }, pause)
      return true
    }, transactionLimits)
  }

  return {
    note: (...noted) =>
      runQuery(async () => {
        for (let tries = 1; ; tries++) {
          try {
            return await noteOnce(...noted)
          } catch (error) {
            if (!isSerializationOrDeadlock(error) || tries === maximumTries) throw error
          }
        }
      })
  }
}

/** Those of the lots that there are. */
async function flagLots(
  transaction: Prisma.TransactionClient,
  flag: { readonly station: string; readonly createdAt: Date },
  { lots, eventOfLot }: Pause
): Promise<void> {
  const found = await transaction.lot.findMany({ where: { id: { in: [...lots] } }, select: { id: true } })
  await transaction.lotFlag.createMany({
    data: found.map(({ id }) => ({ ...flag, lotId: id, reason: 'key_faults' }))
  })
  for (const { id } of found) await insertAuditEvent(transaction, eventOfLot(id))
}

type Row = ReturnType<typeof toRow>

/** Of those that are the same request the first. */
async function leaveOutKnown(
  transaction: Prisma.TransactionClient,
  rows: readonly Row[]
): Promise<readonly Row[]> {
  const byRequest = new Map(rows.toReversed().map(row => [toHex(row.requestSha256), row]))
  const known = await transaction.stationKeyFault.findMany({
    where: { stationId: rows[0]!.stationId, requestSha256: { in: rows.map(row => row.requestSha256) } },
    select: { requestSha256: true }
  })
  for (const { requestSha256 } of known) byRequest.delete(toHex(requestSha256))
  return [...byRequest.values()].reverse()
}

async function findCounted(
  transaction: Prisma.TransactionClient,
  stationId: string,
  countsFrom: Date
): Promise<readonly CountedFault[]> {
  const rows = await transaction.stationKeyFault.findMany({
    where: { stationId, createdAt: { gt: countsFrom } },
    orderBy: { createdAt: 'asc' }
  })
  return rows.map(row => ({ ...row, kind: row.kind as KeyFaultKind }))
}

function toRow(
  stationId: string,
  { requestSha256, createdAt, kind, weaknesses, spkiSha256, ...rest }: KeyFault
) {
  return {
    stationId,
    requestSha256: new Uint8Array(requestSha256),
    createdAt,
    kind,
    weaknesses: [...weaknesses],
    spkiSha256: new Uint8Array(spkiSha256),
    lot: rest.lot,
    requestId: rest.requestId
  }
}
