import { addDays, type Zone } from './zone.ts'

/** A shift begins each day at that time by the clocks of the site, and lasts until the next one begins. */
export interface Shift {
  readonly name: string
  /** Since 00:00, a multiple of 15. */
  readonly startMinutes: number
}

/** Where the service stands, as reports tell of it. */
export interface Site {
  readonly zone: Zone
  /** By their beginning; together they last the whole day. */
  readonly shifts: readonly Shift[]
}

/** From its beginning until before its end. */
export interface Span {
  readonly from: Date
  readonly to: Date
}

/** Of a day by the calendar of the zone: 23 or 25 hours where clocks are changed. @param date `YYYY-MM-DD`. */
export function spanOfDay(zone: Zone, date: string): Span {
  const from = zone.instantOf({ date, minutes: 0 })
  return { from, to: zone.instantOf({ date: addDays(date, 1), minutes: 0 }) }
}

/**
 * Of the shift that begins on that day: the last of the day ends on the next. One that would begin while clocks are put
 * forward begins no later than the ones behind it, and is empty where it would end before the clocks go on. Undefined where
 * the site has none of that name.
 *
 * @param date `YYYY-MM-DD`.
 */
export function spanOfShift(site: Site, date: string, name: string): Span | undefined {
  const { shifts } = site
  const index = shifts.findIndex(shift => shift.name === name)
  if (index < 0) return undefined
  const to = index + 1 < shifts.length ? startOf(site, date, index + 1) : startOf(site, addDays(date, 1), 0)
  return { from: startOf(site, date, index), to }
}

/**
 * The first moment of those at which this shift and the ones behind it begin: where clocks are put forward over a beginning,
 * `instantOf` has it after that step, which may be later than the next beginning. No zone puts them forward by more than a
 * day.
 */
function startOf({ zone, shifts }: Site, date: string, index: number): Date {
  const starts = (day: string, some: readonly Shift[]) =>
    some.map(({ startMinutes }) => zone.instantOf({ date: day, minutes: startMinutes }).getTime())
  return new Date(Math.min(...starts(date, shifts.slice(index)), ...starts(addDays(date, 1), shifts)))
}
