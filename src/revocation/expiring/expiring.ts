import { type AuditEvent, buildAuditEvent, systemAct, type ToldAct } from '../../audit/audit-event.ts'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { parseTbsCertificate } from '../../pki/certificate/certificate.ts'
import { millisecondsPerDay } from '../../pki/der/time.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { ExpiringPart, ExpiringRow, ExpiryStore } from './expiry-store.ts'

export interface ExpiringDependencies {
  readonly store: ExpiryStore
  /** How long ahead it is told that a certificate runs out. */
  readonly aheadDays: number
  /** Whether anybody is told: else nothing is looked at, and who is told later hears of what has not run out by then. */
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
 * which run out in the order in which they were asked for, as far as they are due: month by month, since a month may be
 * detached, and come back later. What is open then is told of when its certificate comes.
 */
export async function tellExpiring(dependencies: ExpiringDependencies, signal: AbortSignal): Promise<void> {
  const { store, clock, isTold } = dependencies
  if (!isTold) return
  const end = performance.now() + longestRunMs
  const isOver = () => signal.aborted || performance.now() > end
  await tellSettled(dependencies, isOver)
  const before = new Date(clock().getTime() - settledMs)
  let parts = await store.listParts(before)
  while (parts.length > 0 && !isOver()) {
    const walked = new Set<string>()
    for (const part of parts)
      if (await walk(dependencies, part, { before, isOver })) walked.add(part.versionId)
    // The month after it may be due as well.
    parts = (await store.listParts(before)).filter(({ versionId }) => walked.has(versionId))
  }
}

/** @returns whether all of it was due, so that there may be more. */
async function walk(
  dependencies: ExpiringDependencies,
  part: ExpiringPart,
  { before, isOver }: { readonly before: Date; readonly isOver: () => boolean }
): Promise<boolean> {
  const { store } = dependencies
  while (!isOver()) {
    const rows = await store.next(part, before, atOnce)
    const due = dueOf(rows, dependencies)
    const last = due.at(-1)
    if (last === undefined) return false
    // A crash before this leaves them to the next run.
    await store.advance(part, {
      position: last.row.id,
      events: due.flatMap(({ event }) => event ?? []),
      open: due.flatMap(({ row, notAfter }) =>
        row.isOpen && notAfter !== undefined ? [{ id: row.id, notAfter }] : []
      )
    })
    if (due.length < rows.length) return false
    if (rows.length < atOnce) return true
  }
  return false
}

/** Those that were open when it was their turn: it was for all of them. */
async function tellSettled(dependencies: ExpiringDependencies, isOver: () => boolean): Promise<void> {
  const { store } = dependencies
  while (!isOver()) {
    const rows = await store.listSettled(atOnce)
    if (rows.length === 0) return
    const events = new Map(rows.map(row => [row.id, noticeOf(row, notAfterOf(row), dependencies)]))
    await store.settle([...events.keys()], ids => ids.flatMap(id => events.get(id) ?? []))
  }
}

interface Due {
  readonly row: ExpiringRow
  readonly notAfter: Date | undefined
  readonly event: AuditEvent | undefined
}

/** The first of them, until one runs out later. */
function dueOf(rows: readonly ExpiringRow[], dependencies: ExpiringDependencies): readonly Due[] {
  const { aheadDays, clock } = dependencies
  const horizon = clock().getTime() + aheadDays * millisecondsPerDay
  const due: Due[] = []
  for (const row of rows) {
    const notAfter = notAfterOf(row)
    if (notAfter !== undefined && notAfter.getTime() > horizon) break
    due.push({ row, notAfter, event: noticeOf(row, notAfter, dependencies) })
  }
  return due
}

/** Undefined where there is nothing to tell of. */
function noticeOf(
  row: ExpiringRow,
  notAfter: Date | undefined,
  dependencies: ExpiringDependencies
): AuditEvent | undefined {
  if (notAfter === undefined || notAfter <= dependencies.clock() || row.certificateId === null)
    return undefined
  return eventOf(row, notAfter, dependencies)
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
  const what: ToldAct = { ...systemAct, act: 'certificate.expiring', subject: `issuance/${id}`, after }
  return buildAuditEvent(what, { time: clock(), randomBytes })
}
