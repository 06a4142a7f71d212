import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Zone } from '../../../sources/site/zone.ts'
import { parseInstant } from '../records/query.ts'

const quarterMs = 15 * 60_000

/**
 * A time by which records are counted. A date is its beginning by the clocks of the zone.
 *
 * @throws MintlineError `request_invalid` for what is not on the quarter of an hour: records are counted by these.
 */
export function parseBoundary(text: string, pointer: string, zone: Zone): Date {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const instant = isDate ? zone.instantOf({ date: text, minutes: 0 }) : parseInstant(text, pointer)
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
