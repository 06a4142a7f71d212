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
 * Of the shift that begins on that day: the last of the day ends on the next. Undefined where the site has none of that name.
 *
 * @param date `YYYY-MM-DD`.
 */
export function spanOfShift({ zone, shifts }: Site, date: string, name: string): Span | undefined {
  const index = shifts.findIndex(shift => shift.name === name)
  if (index < 0) return undefined
  const { startMinutes } = shifts[index]!
  const next = shifts[index + 1]
  const end =
    next === undefined
      ? { date: addDays(date, 1), minutes: shifts[0]!.startMinutes }
      : { date, minutes: next.startMinutes }
  return { from: zone.instantOf({ date, minutes: startMinutes }), to: zone.instantOf(end) }
}
