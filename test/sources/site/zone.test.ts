import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Site, spanOfDay, spanOfShift } from '../../../src/sources/site/shifts.ts'
import { addDays, createZone, formatOffset } from '../../../src/sources/site/zone.ts'

const zoneOf = (name: string) => createZone(name)!
const at = (date: string, time: string) => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return { date, minutes: hours * 60 + minutes }
}
const hoursOf = ({ from, to }: { from: Date; to: Date }) => (to.getTime() - from.getTime()) / 3_600_000

/** What the tz database says, worked out with `zdump -v` of Debian's tzdata. */
describe('a zone', () => {
  it.each([
    ['UTC', '2026-11-23', '08:30', '2026-11-23T08:30:00.000Z'],
    ['Europe/Vienna', '2026-01-15', '08:30', '2026-01-15T07:30:00.000Z'],
    ['Europe/Vienna', '2026-07-15', '08:30', '2026-07-15T06:30:00.000Z'],
    ['Asia/Kathmandu', '2026-01-15', '00:00', '2026-01-14T18:15:00.000Z'],
    ['Pacific/Chatham', '2026-01-15', '00:00', '2026-01-14T10:15:00.000Z'],
    ['America/St_Johns', '2026-01-15', '00:00', '2026-01-15T03:30:00.000Z'],
    ['Pacific/Kiritimati', '2026-01-15', '00:00', '2026-01-14T10:00:00.000Z'],
    ['Pacific/Niue', '2026-01-15', '00:00', '2026-01-15T11:00:00.000Z'],
    // 02:00 is put forward to 03:00.
    ['Europe/Vienna', '2026-03-29', '02:30', '2026-03-29T01:30:00.000Z'],
    ['Europe/Vienna', '2026-03-29', '03:00', '2026-03-29T01:00:00.000Z'],
    // 03:00 is put back to 02:00: the first of the two.
    ['Europe/Vienna', '2026-10-25', '02:30', '2026-10-25T00:30:00.000Z'],
    ['Europe/Vienna', '2026-10-25', '03:00', '2026-10-25T02:00:00.000Z'],
    // Midnight itself is put forward to 01:00.
    ['Africa/Cairo', '2026-04-24', '00:00', '2026-04-23T22:00:00.000Z'],
    // 01:00 is put back to midnight.
    ['America/Havana', '2026-11-01', '00:00', '2026-11-01T04:00:00.000Z'],
    // By half an hour.
    ['Australia/Lord_Howe', '2026-04-05', '01:45', '2026-04-04T14:45:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04', '02:15', '2026-10-03T15:45:00.000Z']
  ])('%s shows %s %s at %s', (...[name, date, time, instant]) => {
    expect(zoneOf(name).instantOf(at(date, time)).toISOString()).toBe(instant)
  })

  it('tells what its clocks show', () => {
    const zone = zoneOf('Asia/Kathmandu')
    expect(zone.localOf(new Date('2026-01-14T18:15:30Z'))).toEqual({ date: '2026-01-15', minutes: 0 })
    expect(formatOffset(zone.offsetMs(new Date('2026-01-14T18:15:00Z')))).toBe('+05:45')
    expect(formatOffset(zoneOf('America/St_Johns').offsetMs(new Date('2026-01-14T18:15:00Z')))).toBe('-03:30')
  })

  it('comes back from what it shows, in each quarter of an hour of a year, or an hour earlier where it shows it twice', () => {
    for (const name of ['Europe/Vienna', 'America/Havana', 'Africa/Cairo', 'Asia/Kathmandu']) {
      const zone = zoneOf(name)
      let twice = 0
      const astray: number[] = []
      for (let time = Date.UTC(2026, 0); time < Date.UTC(2027, 0); time += 900_000) {
        const back = zone.instantOf(zone.localOf(new Date(time))).getTime()
        if (back !== time) twice += 1
        if (back !== time && back !== time - 3_600_000) astray.push(time)
      }
      expect(astray).toEqual([])
      expect(twice).toBe(name === 'Asia/Kathmandu' ? 0 : 4)
    }
  })

  it.each(['', 'Mars/Base', '+01:00', 'GMT+1:00', '../etc', 'Europe/Vienna\n', 'x'.repeat(100), '__proto__'])(
    'is not %j',
    name => {
      expect(createZone(name)).toBeUndefined()
    }
  )
})

describe('a day', () => {
  it.each([
    ['Europe/Vienna', '2026-03-28', 24],
    ['Europe/Vienna', '2026-03-29', 23],
    ['Europe/Vienna', '2026-10-25', 25],
    ['Africa/Cairo', '2026-04-24', 23],
    ['America/Havana', '2026-11-01', 25],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    ['Asia/Kathmandu', '2026-10-25', 24]
  ])('of %s, %s has %s hours', (name, date, hours) => {
    expect(hoursOf(spanOfDay(zoneOf(name), date))).toBe(hours)
  })

  it('ends where the next one begins', () => {
    const zone = zoneOf('Africa/Cairo')
    let date = '2026-01-01'
    for (let day = 0; day < 400; day += 1) {
      const next = addDays(date, 1)
      expect(spanOfDay(zone, date).to).toEqual(spanOfDay(zone, next).from)
      date = next
    }
    expect(date).toBe('2027-02-05')
  })
})

describe('a shift', () => {
  const site: Site = {
    zone: zoneOf('Europe/Vienna'),
    shifts: [
      { name: 'early', startMinutes: 6 * 60 },
      { name: 'late', startMinutes: 14 * 60 },
      { name: 'night', startMinutes: 22 * 60 }
    ]
  }

  it.each([
    ['2026-11-23', 'early', '2026-11-23T05:00:00.000Z', 8],
    ['2026-11-23', 'late', '2026-11-23T13:00:00.000Z', 8],
    ['2026-11-23', 'night', '2026-11-23T21:00:00.000Z', 8],
    ['2026-12-31', 'night', '2026-12-31T21:00:00.000Z', 8],
    ['2026-03-28', 'night', '2026-03-28T21:00:00.000Z', 7],
    ['2026-10-24', 'night', '2026-10-24T20:00:00.000Z', 9]
  ])('of %s, %s begins at %s and has %s hours', (...[date, name, from, hours]) => {
    const span = spanOfShift(site, date, name)!
    expect(span.from.toISOString()).toBe(from)
    expect(hoursOf(span)).toBe(hours)
  })

  it('that is alone lasts until it begins anew', () => {
    const alone = { ...site, shifts: site.shifts.slice(1, 2) }
    expect(hoursOf(spanOfShift(alone, '2026-10-24', 'late')!)).toBe(25)
  })

  it('that begins in the hour that is left out is empty where the next one has begun by then', () => {
    const odd: Site = {
      zone: site.zone,
      shifts: [
        { name: 'first', startMinutes: 2 * 60 + 30 },
        { name: 'second', startMinutes: 3 * 60 }
      ]
    }
    const spans = ['first', 'second'].map(name => spanOfShift(odd, '2026-03-29', name)!)
    expect(spans.map(({ from, to }) => [from.toISOString(), to.toISOString()])).toEqual([
      ['2026-03-29T01:00:00.000Z', '2026-03-29T01:00:00.000Z'],
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']
    ])
    expect(spanOfShift(odd, '2026-03-28', 'second')!.to).toEqual(spans[0]!.from)
  })

  it('follows the one before, and begins when clocks show it where they do, whatever the zone and the shifts', () => {
    // The day before a change of clocks, and the day on which there was none at all.
    const changes = [
      ['Europe/Vienna', '2026-03-28'],
      ['Europe/Vienna', '2026-10-24'],
      ['Africa/Cairo', '2026-04-23'],
      ['America/Havana', '2026-10-31'],
      ['Australia/Lord_Howe', '2026-04-04'],
      ['Australia/Lord_Howe', '2026-10-03'],
      ['Antarctica/Troll', '2026-03-28'],
      ['Pacific/Apia', '2011-12-28'],
      ['Pacific/Apia', '2011-12-29'],
      ['Asia/Kathmandu', '2026-03-28']
    ] as const
    const quarters = fc.uniqueArray(fc.integer({ min: 0, max: 95 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.constantFrom(...changes), quarters, ([name, first], starts) => {
        const zone = zoneOf(name)
        const shifts = starts
          .toSorted((one, other) => one - other)
          .map(quarter => ({ name: `at ${quarter}`, startMinutes: quarter * 15 }))
        const odd: Site = { zone, shifts }
        let end: Date | undefined
        for (let [date, day] = [first as string, 0]; day < 4; [date, day] = [addDays(date, 1), day + 1])
          for (const shift of shifts) {
            const { from, to } = spanOfShift(odd, date, shift.name)!
            expect(from).toEqual(end ?? from)
            expect(to.getTime()).toBeGreaterThanOrEqual(from.getTime())
            const shown = zone.instantOf({ date, minutes: shift.startMinutes })
            const isShown =
              JSON.stringify(zone.localOf(shown)) === JSON.stringify({ date, minutes: shift.startMinutes })
            if (isShown) expect(from).toEqual(shown)
            end = to
          }
      }),
      { numRuns: 60 }
    )
  })

  it('of another name is none', () => {
    expect(spanOfShift(site, '2026-11-23', 'noon')).toBeUndefined()
  })
})
