import { type AuditEvent, buildAuditEvent, systemAct } from '../../audit/audit-event.ts'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { parseTbsCertificate } from '../../pki/certificate/certificate.ts'
import { millisecondsPerDay } from '../../pki/der/time.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { ExpiringRow, ExpiryStore } from './expiry-store.ts'

export interface ExpiringDependencies {
  readonly store: ExpiryStore
  /** How long ahead it is told that a certificate runs out. */
  readonly aheadDays: number
  /** Whether anybody is told: else what runs out is passed over, as all that was before there was a webhook. */
  readonly isTold: boolean
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const atOnce = 200
/** The next run goes on. */
const longestRunMs = 30_000
/** What is younger may not be committed yet, or not be recorded. */
const settledMs = 60 * 60_000

/**
 * Tells of each certificate that runs out within that time, once. Of each profile version it walks along its certificates,
 * which run out in the order in which they were asked for, as far as they are due.
 */
export async function tellExpiring(dependencies: ExpiringDependencies, signal: AbortSignal): Promise<void> {
  const { store, clock } = dependencies
  const end = performance.now() + longestRunMs
  const before = new Date(clock().getTime() - settledMs)
  for (const versionId of await store.listVersions(before)) {
    while (!signal.aborted) {
      if (performance.now() > end) return
      const rows = await store.next(versionId, before, atOnce)
      const due = dueOf(rows, dependencies)
      const last = due.at(-1)
      if (last === undefined) break
      // A crash before this leaves them to the next run.
      await store.advance(
        versionId,
        last.row.id,
        due.flatMap(({ event }) => event ?? [])
      )
      if (due.length < rows.length || rows.length < atOnce) break
    }
  }
}

interface Due {
  readonly row: ExpiringRow
  readonly event: AuditEvent | undefined
}

/** The first of them, until one runs out later. */
function dueOf(rows: readonly ExpiringRow[], dependencies: ExpiringDependencies): readonly Due[] {
  const { aheadDays, clock } = dependencies
  const now = clock()
  const horizon = now.getTime() + aheadDays * millisecondsPerDay
  const due: Due[] = []
  for (const row of rows) {
    const notAfter = notAfterOf(row)
    if (notAfter !== undefined && notAfter.getTime() > horizon) break
    const isWorth = notAfter !== undefined && notAfter > now && row.certificateId !== null
    due.push({
      row,
      event: isWorth && dependencies.isTold ? eventOf(row, notAfter, dependencies) : undefined
    })
  }
  return due
}

/** Undefined where somebody changed it so that it cannot be read: that is told elsewhere, and holds up no other. */
function notAfterOf({ tbsDer }: ExpiringRow): Date | undefined {
  try {
    return parseTbsCertificate(tbsDer).notAfter
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return undefined
  }
}

function eventOf(
  { id, serialNumber, certificateId, station, lot, profile, authority }: ExpiringRow,
  notAfter: Date,
  { clock, randomBytes }: ExpiringDependencies
): AuditEvent {
  const after = {
    serialNumber,
    certificateId,
    notAfter: notAfter.toISOString(),
    profile,
    authority,
    station,
    lot
  }
  const what = { ...systemAct, act: 'certificate.expiring', subject: `issuance/${id}`, after }
  return buildAuditEvent(what, { time: clock(), randomBytes })
}
