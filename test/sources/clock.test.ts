import { expect, it } from 'vitest'
import { laterThan } from '../../src/sources/clock.ts'

const before = new Date('2026-12-01T06:00:00.123Z')

it.each([
  ['the time', '2026-12-01T06:00:01.000Z', '2026-12-01T06:00:01.000Z'],
  ['a millisecond more, within the same', '2026-12-01T06:00:00.123Z', '2026-12-01T06:00:00.124Z'],
  ['a millisecond more, where the clock was set back', '2026-11-30T06:00:00.000Z', '2026-12-01T06:00:00.124Z']
])('what is changed is of %s', (_, now, expected) => {
  expect(laterThan(before, () => new Date(now)).toISOString()).toBe(expected)
})
