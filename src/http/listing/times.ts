import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { createZone, parseTime, utc, type Zone } from '../../sources/site/zone.ts'

/** Reads a time that is asked for. @throws MintlineError `request_invalid`. */
export type ParseInstant = (text: string, pointer: string) => Date

interface AskedRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/**
 * What of a list is asked for by time, as far as it is.
 *
 * @param parse reads one of them: as `parseInstant`.
 * @throws MintlineError `request_invalid`, also for a range without any time.
 */
export function parseRange(
  { from, to }: AskedRange,
  parse: ParseInstant
): { readonly from?: Date; readonly to?: Date } {
  const range = {
    ...(from !== undefined && { from: parse(from, '/query/from') }),
    ...(to !== undefined && { to: parse(to, '/query/to') })
  }
  assertOrder(['from', range.from], ['to', range.to], to)
  return range
}

type RangeEnd = readonly [name: string, time: Date | undefined]

/**
 * An answer that is empty since nothing can be meant would be taken for one about what there is.
 *
 * @param text of the end, as it was asked for.
 */
export function assertOrder([first, start]: RangeEnd, [last, end]: RangeEnd, text = ''): void {
  if (start === undefined || end === undefined || start < end) return
  throw unusableTime(`/query/${last}`, {
    expected: `a time after ${first}, which is ${start.toISOString()}`,
    found: text,
    message: `Take a later one, or an earlier ${first}: ${last} itself is not of the range.`
  })
}

/** The years that all have: PostgreSQL knows none that is 0, and ISO 8601 writes what is later in another form. */
const [earliestMs, latestMs] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/**
 * A date alone is its beginning in UTC. RFC 3339 has a leap second, which a Date cannot hold.
 *
 * @throws MintlineError `request_invalid`.
 */
export function parseInstant(text: string, pointer: string, zone: Zone = utc): Date {
  return assertUsable(parseTime(text, zone), text, pointer)
}

/**
 * Reads times where a date is its beginning by the clocks of a zone.
 *
 * @param name as the IANA names it: UTC unless given.
 * @throws MintlineError `request_invalid` for a zone that there is not.
 */
export function parseInstantIn(name: string | undefined): ParseInstant {
  const zone = name === undefined ? utc : parseZone(name)
  return (text, pointer) => parseInstant(text, pointer, zone)
}

/** @throws MintlineError `request_invalid`. */
export function parseZone(name: string): Zone {
  const zone = createZone(name)
  if (zone !== undefined) return zone
  throw new MintlineError('request_invalid', 'There is no such time zone.', {
    violations: [
      {
        pointer: '/query/zone',
        expected: 'the IANA name of a time zone, such as Europe/Vienna or UTC',
        found: name,
        message: 'Correct the name. An offset is none.'
      }
    ]
  })
}

/**
 * @param text as it was asked for.
 * @returns the same time.
 * @throws MintlineError `request_invalid` for one that is not in the years 1 to 9999 of UTC.
 */
function assertUsable(instant: Date, text: string, pointer: string): Date {
  const time = instant.getTime()
  if (Number.isNaN(time))
    throw unusableTime(pointer, {
      expected: 'a time that is no leap second',
      found: text,
      message: 'Take the second before or after.'
    })
  if (time < earliestMs || time > latestMs)
    throw unusableTime(pointer, {
      expected: 'a time of the years 1 to 9999, in UTC',
      found: text,
      message: 'Take one in between.'
    })
  return instant
}

function unusableTime(pointer: string, violation: Omit<Violation, 'pointer'>): MintlineError {
  return new MintlineError('request_invalid', `The time ${pointer.replace(/^.*\//, '')} cannot be used.`, {
    violations: [{ pointer, ...violation }]
  })
}
