import { type Cell, formatCsv } from '../../../exports/formats/csv.ts'
import type { Report, ReportCounts, ReportSubject } from '../../../records/reports/report.ts'
import { formatLocalTime } from '../../../sources/site/zone.ts'
import { problemTable } from '../../problems/problem-table.ts'
import type { RecordReportView } from './schemas.ts'

/** @param detached months that it touches, of which it may lack what was only counted. */
export function viewReport(report: Report, detached: readonly string[]): RecordReportView {
  const { subject, span, zone, madeAt, countedUpTo, totals, stations } = report
  return {
    report: subject.kind,
    ...viewSubject(subject),
    zone: zone.name,
    ...(span && {
      from: span.from.toISOString(),
      to: span.to.toISOString(),
      fromLocal: formatLocalTime(zone, span.from),
      toLocal: formatLocalTime(zone, span.to),
      complete: detached.length === 0 && countedUpTo !== undefined && countedUpTo >= span.to
    }),
    ...(detached.length > 0 && { detachedMonths: [...detached] }),
    madeAt: madeAt.toISOString(),
    ...(countedUpTo && { countedUpTo: countedUpTo.toISOString() }),
    totals: viewCounts(totals),
    stations: stations.map(({ station, ...counts }) => ({ station, ...viewCounts(counts) }))
  }
}

function viewSubject(subject: ReportSubject) {
  if (subject.kind === 'station') return { station: subject.station }
  const { kind: _, ...which } = subject
  return which
}

function viewCounts({
  issued,
  reworked,
  scrapped,
  refused,
  unrecorded,
  firstAt,
  lastAt,
  ...counts
}: ReportCounts) {
  return {
    issued,
    reworked,
    scrapped,
    refused,
    unrecorded,
    void: counts.void,
    unknown: counts.unknown,
    ...(firstAt && { firstAt: firstAt.toISOString() }),
    ...(lastAt && { lastAt: lastAt.toISOString() }),
    reasons: counts.reasons.map(reason => ({ ...reason, title: problemTable[reason.code].title }))
  }
}

const common = ['report', 'date', 'shift', 'lot', 'from', 'to', 'zone', 'countedUpTo', 'complete'] as const
const measures = [
  'issued',
  'reworked',
  'scrapped',
  'refused',
  'unrecorded',
  'void',
  'unknown',
  'firstAt',
  'lastAt'
] as const

/** A row for each station, with a column for each reason that there is: `refused.key_blocked`. Times in UTC. */
export function formatReportCsv(view: RecordReportView): string {
  const codes = view.totals.reasons.map(({ code }) => code).sort()
  const header = [...common, 'station', ...measures, ...codes.map(code => `refused.${code}`)]
  const rows = view.stations.map(station => {
    const ofCode = (code: string): Cell => station.reasons.find(reason => reason.code === code)?.count ?? 0
    return [
      ...common.map(name => view[name]),
      station.station,
      ...measures.map(name => station[name]),
      ...codes.map(ofCode)
    ]
  })
  return formatCsv([header, ...rows])
}
