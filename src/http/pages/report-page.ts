import { hash } from 'node:crypto'
import { formatMinutes, formatOffset, type Zone } from '../../sources/site/zone.ts'
import type { RecordReportView } from '../api/reports/schemas.ts'
import { escapeText } from './page.ts'
import { reportStyle } from './report-style.ts'

/** Nothing is loaded, nothing runs, and of style there is the one below. */
export const reportSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', reportStyle, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

export interface PageReader {
  /** By whose clocks times are shown. */
  readonly zone: Zone
  /** As `role/name`. */
  readonly actor: string
  /** Of production, to which they are held. */
  readonly lines: readonly string[] | undefined
}

type Counts = RecordReportView['totals']
type Reason = Counts['reasons'][number]

/** A report as a page to print. */
export function renderReportPage(report: RecordReportView, reader: PageReader): string {
  const title = titleOf(report)
  const parts = [
    `<h1>${title}</h1>`,
    renderFacts(report, reader),
    renderWarning(report, reader.zone),
    renderTotals(report),
    renderStations(report, reader.zone),
    renderReasons(report),
    renderNotes(report)
  ]
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mintline: ${plainTitleOf(report)}</title><style>${reportStyle}</style><main>${parts.join('')}</main></html>`
}

function titleOf({ report, date = '', shift = '', lot = '', station = '' }: RecordReportView): string {
  const titles = {
    day: `Day ${name(date)}`,
    shift: `Shift ${name(shift)}, ${name(date)}`,
    lot: `Lot ${name(lot)}`,
    station: `Station ${name(station)}`
  }
  return titles[report]
}

/** For the window, which knows no markup. */
function plainTitleOf(report: RecordReportView): string {
  return titleOf(report).replaceAll(/<\/?bdi>/g, '')
}

function renderFacts(report: RecordReportView, { actor, lines, zone }: PageReader): string {
  const { from, to, countedUpTo, madeAt } = report
  const both = (time: string) => `<strong>${local(zone, time)}</strong>, ${utc(time)}`
  const facts: readonly (readonly [string, string])[] = [
    ...(from === undefined
      ? [['Time', 'All of the lot'] as const]
      : [['From', both(from)] as const, ['Until', both(to!)] as const]),
    ['Time zone', escapeText(report.zone)],
    ...(lines === undefined ? [] : [['Lines', lines.map(name).join(', ')] as const]),
    ['Counted up to', countedUpTo === undefined ? 'nothing yet' : local(zone, countedUpTo)],
    ['Made', `${local(zone, madeAt)} for ${name(actor)}`]
  ]
  return `<dl>${facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join('')}</dl>`
}

/** By the clocks of the zone, to the second: `2026-11-23 06:00:00 +01:00`. */
function local(zone: Zone, time: string): string {
  const instant = new Date(time)
  const { date, minutes } = zone.localOf(instant)
  const clock = `${formatMinutes(minutes)}:${time.slice(17, 19)} ${formatOffset(zone.offsetMs(instant))}`
  return `${span(date)} ${span(clock)}`
}

/** The same in UTC: `2026-11-23 05:00:00 UTC`. */
const utc = (time: string) => span(`${time.slice(0, 19).replace('T', ' ')} UTC`)

const span = (text: string) => `<span class="t">${text}</span>`

function renderWarning(report: RecordReportView, zone: Zone): string {
  return renderDetached(report) + renderUncounted(report, zone)
}

function renderDetached({ detachedMonths = [] }: RecordReportView): string {
  if (detachedMonths.length === 0) return ''
  return `<p class="warning"><strong>Detached months:</strong> ${detachedMonths.map(span).join(', ')}. Refusals of them that were only counted are not in it.</p>`
}

function renderUncounted({ complete, to, countedUpTo }: RecordReportView, zone: Zone): string {
  if (complete !== false || (countedUpTo !== undefined && countedUpTo >= to!)) return ''
  const counted =
    countedUpTo === undefined
      ? 'nothing is counted yet'
      : `counted is what came until ${local(zone, countedUpTo)}`
  return `<p class="warning"><strong>Not complete:</strong> ${counted}, and the time of the report ends ${local(zone, to!)}.</p>`
}

function renderTotals({ totals }: RecordReportView): string {
  const figures: readonly (readonly [string, number, string])[] = [
    ['Issued', totals.issued, totals.reworked === 0 ? '' : `${format(totals.reworked)} of them for rework`],
    [
      'Refused',
      totals.refused,
      totals.unrecorded === 0 ? '' : `and ${format(totals.unrecorded)} only counted`
    ],
    ['Scrapped', totals.scrapped, ''],
    ['Void', totals.void, ''],
    ['Unfinished', totals.unknown, totals.unknown === 0 ? '' : 'the station sends them again']
  ]
  const boxes = figures.map(
    ([label, figure, more]) => `<li><span>${label}</span><b>${format(figure)}</b><small>${more}</small></li>`
  )
  return `<ul class="figures">${boxes.join('')}</ul>`
}

function renderStations({ stations, totals }: RecordReportView, zone: Zone): string {
  if (stations.length === 0) return '<p>No requests.</p>'
  const heads = ['Issued', 'Reworked', 'Scrapped', 'Refused', 'Only counted', 'Void', 'Unfinished']
  const cells = (counts: Counts) =>
    [
      counts.issued,
      counts.reworked,
      counts.scrapped,
      counts.refused,
      counts.unrecorded,
      counts.void,
      counts.unknown
    ]
      .map(count => `<td>${format(count)}</td>`)
      .join('') +
    [counts.firstAt, counts.lastAt]
      .map(time => `<td>${time === undefined ? '–' : local(zone, time)}</td>`)
      .join('')
  const rows = stations.map(
    ({ station, ...counts }) => `<tr><th scope="row">${name(station)}</th>${cells(counts)}</tr>`
  )
  return `<h2>Stations</h2><table><thead><tr><th scope="col">Station</th>${[...heads, 'First issued', 'Last issued'].map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody><tfoot><tr><th scope="row">Total</th>${cells(totals)}</tr></tfoot></table>`
}

function renderReasons({ totals, stations }: RecordReportView): string {
  if (totals.reasons.length === 0) return ''
  const rows = (label: string, reasons: readonly Reason[]) =>
    reasons
      .map(
        ({ title, code, count, unrecorded }, index) =>
          `<tr><th scope="row">${index === 0 ? label : ''}</th><td class="text">${escapeText(title)} <code>${escapeText(code)}</code></td><td>${format(count)}</td><td>${format(unrecorded)}</td></tr>`
      )
      .join('')
  const groups = [
    ...(stations.length > 1 ? [['All stations', totals.reasons] as const] : []),
    ...stations.map(({ station, reasons }) => [name(station), reasons] as const)
  ].filter(([, reasons]) => reasons.length > 0)
  const bodies = groups.map(([label, reasons]) => `<tbody>${rows(label, reasons)}</tbody>`)
  return `<h2>Why requests were refused</h2><table><thead><tr><th scope="col">Station</th><th scope="col" class="text">Reason</th><th scope="col">Refused</th><th scope="col">Only counted</th></tr></thead>${bodies.join('')}</table>`
}

function renderNotes({ report }: RecordReportView): string {
  const notes = [
    'Issued are all certificates that were made, whatever became of them later; reworked, those of them in the place of another of the same device.',
    report === 'lot'
      ? 'Scrapped are devices that were said to be no more.'
      : 'Scrapped are devices that were said to be no more in this time, whenever they were certified.',
    'Only counted are refusals that have no record: repeats of the same within a minute, and those beyond what is recorded of a station.'
  ]
  return `<footer>${notes.map(note => `<p>${note}</p>`).join('')}</footer>`
}

/** What people chose, which may be written in any direction. */
const name = (text: string) => `<bdi>${escapeText(text)}</bdi>`

/** With narrow spaces between thousands, at which no line ends. */
const format = (count: number) => String(count).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')
