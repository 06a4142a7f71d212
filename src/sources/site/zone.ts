/** A time zone of the IANA database, as this Node.js knows it. */
export interface Zone {
  readonly name: string
  /** Milliseconds by which its wall clocks are ahead of UTC at that moment. */
  offsetMs(instant: Date): number
  /**
   * When wall clocks show this: the first time where they do so twice, and where they never do, since they are put
   * forward over it, the moment as many minutes after that step (as `compatible` of ECMAScript's Temporal, and RFC 5545 §3.3.5).
   */
  instantOf(local: LocalTime): Date
  /** What wall clocks show at that moment. */
  localOf(instant: Date): LocalTime
}

/** What a calendar and a clock on the wall show. */
interface LocalTime {
  /** `YYYY-MM-DD`. */
  readonly date: string
  /** Since 00:00. */
  readonly minutes: number
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** @returns undefined for what is no name of a zone. An offset, such as +01:00, is none: it knows no summer. */
export function createZone(name: string): Zone | undefined {
  if (name === utc.name) return utc
  if (!/^[A-Za-z][A-Za-z0-9+_/-]{0,63}$/.test(name)) return undefined
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch {
    return undefined
  }
  return zoneOf(name, instant => parseOffset(format.format(instant)))
}

function zoneOf(name: string, offsetMs: Zone['offsetMs']): Zone {
  return {
    name,
    offsetMs,
    instantOf({ date, minutes }) {
      const wall = Date.parse(`${date}T00:00:00Z`) + minutes * minuteMs
      // No zone changes twice within two days, so that one of these is the offset that holds.
      const [before, after] = [wall - dayMs, wall + dayMs].map(time => offsetMs(new Date(time))) as [
        number,
        number
      ]
      const shows = [before, after].filter(offset => offsetMs(new Date(wall - offset)) === offset)
      return new Date(wall - (shows[0] ?? before))
    },
    localOf(instant) {
      const wall = new Date(instant.getTime() + offsetMs(instant))
      return {
        date: wall.toISOString().slice(0, 10),
        minutes: wall.getUTCHours() * 60 + wall.getUTCMinutes()
      }
    }
  }
}

/** UTC, which there always is. To ask the tables of zones for it would take a part of each start. */
export const utc: Zone = zoneOf('UTC', () => 0)

/** Of what ends in `GMT`, `GMT+05:45` or `GMT-00:44:30`. */
function parseOffset(text: string): number {
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? []
  if (sign === undefined) return 0
  const size = (Number(hours) * 60 + Number(minutes)) * minuteMs + Number(seconds) * 1000
  return sign === '-' ? -size : size
}

/** A time as RFC 3339 writes it, or a date, which is its beginning by the clocks of the zone; else an invalid Date. */
export function parseTime(text: string, zone: Zone): Date {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? zone.instantOf({ date: text, minutes: 0 }) : new Date(text)
}

/** The day that many days later. @param date `YYYY-MM-DD`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)
}

/** E.g. `+05:45`. */
export function formatOffset(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / minuteMs
  const [hours, rest] = [Math.floor(minutes / 60), Math.floor(minutes % 60)]
  return `${offsetMs < 0 ? '-' : '+'}${formatMinutes(hours * 60 + rest)}`
}

/** What the clocks of the zone show at that moment, to the minute, e.g. `2026-11-23T08:00:00+01:00` (RFC 3339). */
export function formatLocalTime(zone: Zone, instant: Date): string {
  const { date, minutes } = zone.localOf(instant)
  return `${date}T${formatMinutes(minutes)}:00${formatOffset(zone.offsetMs(instant))}`
}

/** Minutes since 00:00 as `HH:MM`. */
export function formatMinutes(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}
