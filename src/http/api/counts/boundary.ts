import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Span } from '../../../sources/site/shifts.ts'
import type { Zone } from '../../../sources/site/zone.ts'
import { parseInstant, parseRange } from '../../listing/times.ts'

const quarterMs = 15 * 60_000

type Asked = Readonly<Record<'from' | 'to', string>>
type AskedInPart = { readonly [End in keyof Asked]?: Asked[End] | undefined }

/** What is counted, as far as it is asked for by time. @throws MintlineError `request_invalid`. */
export function parseBoundaries(asked: Asked, zone: Zone): Span
export function parseBoundaries(asked: AskedInPart, zone: Zone): Partial<Span>
export function parseBoundaries(asked: AskedInPart, zone: Zone): Partial<Span> {
  return parseRange(asked, (text, pointer) => parseBoundary(text, pointer, zone))
}

/**
 * A time by which records are counted. A date is its beginning by the clocks of the zone.
 *
 * @throws MintlineError `request_invalid` for what is not on the quarter of an hour: records are counted by these.
 */
function parseBoundary(text: string, pointer: string, zone: Zone): Date {
  const instant = parseInstant(text, pointer, zone)
  const time = instant.getTime()
  if (time % quarterMs === 0) return instant
  const before = new Date(Math.floor(time / quarterMs) * quarterMs)
  throw new MintlineError('request_invalid', 'Records are counted by quarters of an hour.', {
    violations: [
      {
        pointer,
        expected: 'a time on the quarter of an hour (UTC), or a date',
        found: text,
        message: `Take ${formatQuarter(before)} or ${formatQuarter(new Date(before.getTime() + quarterMs))}.`
      }
    ]
  })
}

const formatQuarter = (time: Date) => time.toISOString().replace('.000Z', 'Z')
