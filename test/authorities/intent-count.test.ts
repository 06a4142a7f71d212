import { describe, expect, it } from 'vitest'
import { intentCountOf, maximumIntentCount } from '../../src/authorities/life-cycle/intent-count.ts'

describe('a count of intents', () => {
  it('is exact up to the maximum, and a bound beyond it', () => {
    expect(intentCountOf(0)).toEqual({ atLeast: 0, isExact: true })
    expect(intentCountOf(maximumIntentCount)).toEqual({ atLeast: maximumIntentCount, isExact: true })
    expect(intentCountOf(maximumIntentCount + 1)).toEqual({ atLeast: maximumIntentCount, isExact: false })
  })
})
