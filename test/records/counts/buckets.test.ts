import { expect, it } from 'vitest'
import { bucketsOf } from '../../../src/records/counts/buckets.ts'
import { createZone } from '../../../src/sources/site/zone.ts'
import { expectWithin, measureTurns } from '../../support/time-limit.ts'

const spans = {
  day: { from: new Date('2013-01-01T00:00:00Z'), to: new Date('2026-07-01T00:00:00Z') },
  hour: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-07-25T00:00:00Z') }
}

it.each(['day', 'hour'] as const)(
  'as many as there may be of a %s let others have their turns',
  async unit => {
    let count = 0
    const { turns, longestMs } = await measureTurns(async () => {
      count = (await bucketsOf(unit, createZone('Europe/Vienna')!, spans[unit])).length
    })
    expect(count).toBeGreaterThan(4_900)
    expect(turns).toBeGreaterThan(10)
    expectWithin(longestMs, 25)
  }
)
