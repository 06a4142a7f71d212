import { MintlineError } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import { type Site, type Span, spanOfDay, spanOfShift } from '../../sources/site/shifts.ts'
import type { CountScope } from '../counts/count.ts'
import type { RefusalReason, ReportCounts, Reports, ReportSubject } from './report.ts'
import type { OutcomeRow, ReportRows, ReportStore, UnrecordedRow } from './report-store.ts'

export interface ReportsDependencies {
  readonly store: ReportStore
  readonly site: Site
  readonly clock: Clock
}

export function createReports({ store, site, clock }: ReportsDependencies): Reports {
  return {
    async make({ subject, lines }) {
      const span = spanOf(site, subject)
      const { countedUpTo, ...rows } = await store.read(
        { ...scopeOf(subject), lines, ...span },
        narrower[subject.kind]
      )
      const rowsOf = byStation(rows)
      return {
        subject,
        span,
        zone: site.zone,
        madeAt: clock(),
        countedUpTo,
        totals: countsOf(rows),
        stations: [...rowsOf.keys()].sort().map(station => ({ station, ...countsOf(rowsOf.get(station)!) }))
      }
    }
  }
}

/** @throws MintlineError `shift_not_found`. */
function spanOf(site: Site, subject: ReportSubject): Span | undefined {
  switch (subject.kind) {
    case 'day':
      return spanOfDay(site.zone, subject.date)
    case 'shift':
      return spanOfShift(site, subject.date, subject.shift) ?? refuseShift(site, subject.shift)
    case 'station':
      return { from: subject.from, to: subject.to }
    case 'lot':
      return undefined
  }
}

/** What can be asked for instead of a report that takes too long. */
const narrower: Readonly<Record<ReportSubject['kind'], string>> = {
  day: 'Ask for its shifts, or for the reports of single stations: GET /v1/reports/station with from and to.',
  shift: 'Ask for the reports of single stations: GET /v1/reports/station with from and to.',
  lot: 'Count it in parts: GET /v1/issuances/summary with lot, from and to.',
  station: 'Bring from and to nearer to each other.'
}

function scopeOf(subject: ReportSubject): CountScope {
  if (subject.kind === 'lot') return { lot: subject.lot }
  return subject.kind === 'station' ? { station: subject.station } : {}
}

function refuseShift({ shifts }: Site, shift: string): never {
  const known = shifts.map(({ name }) => name).join(', ')
  throw new MintlineError(
    'shift_not_found',
    shifts.length === 0
      ? 'The settings name no shifts. Ask the administrator to set MINTLINE_SHIFTS, or take the report of the day.'
      : `There is no shift ${shift}. Take one of ${known}.`
  )
}

type Rows = Omit<ReportRows, 'countedUpTo'>

function byStation({ outcomes, unrecorded, scraps }: Rows): ReadonlyMap<string, Rows> {
  const stationOf = ({ station }: { readonly station: string }) => station
  const parts = [
    Map.groupBy(outcomes, stationOf),
    Map.groupBy(unrecorded, stationOf),
    Map.groupBy(scraps, stationOf)
  ] as const
  const stations = new Set(parts.flatMap(part => [...part.keys()]))
  return new Map(
    [...stations].map(station => [
      station,
      {
        outcomes: parts[0].get(station) ?? [],
        unrecorded: parts[1].get(station) ?? [],
        scraps: parts[2].get(station) ?? []
      }
    ])
  )
}

function countsOf({ outcomes, unrecorded, scraps }: Rows): ReportCounts {
  const of = (outcome: OutcomeRow['outcome']) => outcomes.filter(row => row.outcome === outcome)
  const issued = of('issued')
  return {
    issued: sum(issued.map(({ count }) => count)),
    reworked: sum(issued.map(({ reworked }) => reworked)),
    scrapped: sum(scraps.map(({ count }) => count)),
    refused: sum(of('rejected').map(({ count }) => count)),
    unrecorded: sum(unrecorded.map(({ count }) => count)),
    void: sum(of('void').map(({ count }) => count)),
    unknown: sum(of('unknown').map(({ count }) => count)),
    firstAt: dates(issued.map(({ firstAt }) => firstAt))[0] ?? null,
    lastAt: dates(issued.map(({ lastAt }) => lastAt)).at(-1) ?? null,
    reasons: reasonsOf(of('rejected'), unrecorded)
  }
}

function reasonsOf(
  refusals: readonly OutcomeRow[],
  unrecorded: readonly UnrecordedRow[]
): readonly RefusalReason[] {
  const codes = new Set([...refusals, ...unrecorded].map(({ code }) => code).filter(code => code !== null))
  const counted = (rows: readonly (OutcomeRow | UnrecordedRow)[], code: string) =>
    sum(rows.filter(row => row.code === code).map(({ count }) => count))
  return [...codes]
    .map(code => ({ code, count: counted(refusals, code), unrecorded: counted(unrecorded, code) }))
    .sort(
      (one, other) =>
        other.count - one.count || other.unrecorded - one.unrecorded || (one.code < other.code ? -1 : 1)
    )
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)

const dates = (times: readonly Date[]) => [...times].sort((one, other) => one.getTime() - other.getTime())
