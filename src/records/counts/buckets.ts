import { setImmediate as turn } from 'node:timers/promises'
import type { Span } from '../../sources/site/shifts.ts'
import { addDays, formatLocalTime, type Zone } from '../../sources/site/zone.ts'
import { searchTooBroad } from '../search/too-broad.ts'
import type { TimeUnit } from './count.ts'

/** A piece of time by the clocks of a zone, until the next one begins. */
export interface Bucket {
  readonly start: Date
  /** `2026-11`, `2026-11-23` or `2026-11-23T08:00:00+01:00`. */
  readonly label: string
}

/** Thirteen years of days. */
const mostBuckets = 5_000
/** So many are worked out, in some milliseconds, before others have a turn. */
const bucketsAtOnce = 200
const hourMs = 3_600_000

/**
 * The pieces that the span is made of; the first may begin before it.
 *
 * @throws MintlineError `search_too_broad`.
 */
export async function bucketsOf(unit: TimeUnit, zone: Zone, { from, to }: Span): Promise<readonly Bucket[]> {
  const step = stepsOf[unit](zone)
  const buckets: Bucket[] = []
  for (let start = step.begin(from); start < to; start = step.next(start)) {
    buckets.push({ start, label: step.label(start) })
    if (buckets.length > mostBuckets)
      throw searchTooBroad(
        `There are more than ${mostBuckets} ${unit}s between from and to.`,
        'Bring them nearer to each other, or count by days or months.'
      )
    if (buckets.length % bucketsAtOnce === 0) await turn()
  }
  return buckets
}

interface Step {
  /** Of the piece in which a moment lies. */
  begin(instant: Date): Date
  next(start: Date): Date
  label(start: Date): string
}

const stepsOf: Readonly<Record<TimeUnit, (zone: Zone) => Step>> = {
  month: zone => byDate(zone, 'YYYY-MM'.length),
  day: zone => byDate(zone, 'YYYY-MM-DD'.length),
  hour: zone => ({
    begin: instant => new Date(instant.getTime() - sinceHour(zone, instant)),
    next: start => new Date(start.getTime() + hourMs - sinceHour(zone, start)),
    label: start => formatLocalTime(zone, start)
  })
}

/** Milliseconds since the clocks showed a whole hour. */
function sinceHour(zone: Zone, instant: Date): number {
  const wall = instant.getTime() + zone.offsetMs(instant)
  return ((wall % hourMs) + hourMs) % hourMs
}

/** @param length of the label, as the beginning of a date. */
function byDate(zone: Zone, length: number): Step {
  const isMonth = length === 'YYYY-MM'.length
  const firstOf = (date: string) => (isMonth ? `${date.slice(0, 7)}-01` : date)
  const startOf = (date: string) => zone.instantOf({ date, minutes: 0 })
  return {
    begin: instant => startOf(firstOf(zone.localOf(instant).date)),
    // From the first of a month, 31 days on is in the next one.
    next: start => startOf(firstOf(addDays(firstOf(zone.localOf(start).date), isMonth ? 31 : 1))),
    label: start => zone.localOf(start).date.slice(0, length)
  }
}
