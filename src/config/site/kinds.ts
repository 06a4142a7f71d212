import type { Shift } from '../../sources/site/shifts.ts'
import { createZone, formatMinutes, type Zone } from '../../sources/site/zone.ts'
import type { Kind } from '../kind.ts'

/** A time zone by its name in the IANA database. */
export function timeZone(): Kind<Zone> {
  const expected = 'the IANA name of a time zone, such as Europe/Vienna, Asia/Kathmandu or UTC'
  return {
    parse(text) {
      const value = createZone(text)
      return value === undefined
        ? { refusals: [{ expected, found: text, message: 'Correct the name. An offset is none.' }] }
        : { value }
    },
    describe: meaning => `${meaning}: its IANA name, such as Europe/Vienna.`,
    show: ({ name }) => name
  }
}

const mostShifts = 24
const shiftForm = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([01]\d|2[0-3]):([0-5]\d)$/
const shiftsExpected = `1 to ${mostShifts} shifts as name=HH:MM with commas between, such as early=06:00,late=14:00,night=22:00; each name and each time once, and times on the quarter of an hour`

/** Shifts by the time at which each begins, in the order of the day. */
export function shifts(): Kind<readonly Shift[]> {
  const refuse = (found: string, message: string) => ({ expected: shiftsExpected, found, message })
  return {
    parse(text) {
      const given = text.split(',').map(each => each.trim())
      const wrong = given.filter(each => parseShift(each) === undefined)
      if (wrong.length > 0)
        return { refusals: wrong.map(found => refuse(found, 'Correct the name or the time.')) }
      const value = given
        .map(each => parseShift(each)!)
        .sort((one, other) => one.startMinutes - other.startMinutes)
      const isTwice = (of: (shift: Shift) => unknown) => new Set(value.map(of)).size < value.length
      if (isTwice(({ name }) => name)) return { refusals: [refuse(text, 'Give each name once.')] }
      if (isTwice(({ startMinutes }) => startMinutes))
        return { refusals: [refuse(text, 'Give each time once.')] }
      if (value.length > mostShifts) return { refusals: [refuse(`${value.length}`, 'Give fewer.')] }
      return { value }
    },
    describe: meaning => `${meaning}, as in early=06:00,late=14:00,night=22:00.`,
    show: value => value.map(({ name, startMinutes }) => `${name}=${formatMinutes(startMinutes)}`).join(',')
  }
}

function parseShift(text: string): Shift | undefined {
  const [, name, hours, minutes] = shiftForm.exec(text) ?? []
  if (name === undefined || Number(minutes) % 15 !== 0) return undefined
  return { name, startMinutes: Number(hours) * 60 + Number(minutes) }
}
