import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRequestBudgets } from '../../../src/http/fairness/request-budget.ts'

function makeBudgets(maximumNames?: number) {
  let now = 0
  const budgets = createRequestBudgets(() => now, maximumNames)
  return {
    take: (name = 'one', perMinute = 60) => budgets.take(name, perMinute),
    wait(seconds: number) {
      now += seconds * 1_000
    }
  }
}

describe('a budget', () => {
  it('lets a minute’s worth through at once, and says what is left', () => {
    const { take } = makeBudgets()
    const taken = Array.from({ length: 61 }, () => take())
    expect(taken.map(({ remaining }) => remaining).slice(0, 3)).toEqual([59, 58, 57])
    expect(taken.map(({ isWithin }) => isWithin)).toEqual([...Array.from({ length: 60 }, () => true), false])
    expect(taken[60]).toMatchObject({ remaining: 0, retryAfterSeconds: 1, resetSeconds: 60 })
  })

  it('has one more after the pause that it names', () => {
    const { take, wait } = makeBudgets()
    for (let count = 0; count < 2; count++) take('one', 2)
    const refused = take('one', 2)
    expect(refused).toMatchObject({ isWithin: false, retryAfterSeconds: 30 })
    wait(29)
    expect(take('one', 2).isWithin).toBe(false)
    wait(1)
    expect(take('one', 2).isWithin).toBe(true)
  })

  it('is each station’s own', () => {
    const { take } = makeBudgets()
    for (let count = 0; count < 61; count++) take('loud')
    expect(take('quiet')).toMatchObject({ isWithin: true, remaining: 59 })
  })

  it('follows a limit that is changed, in proportion', () => {
    const { take } = makeBudgets()
    for (let count = 0; count < 30; count++) take('one', 60)
    expect(take('one', 600)).toMatchObject({ isWithin: true, remaining: 299 })
  })

  it('of more names than are kept forgets who was quiet for longest', () => {
    const { take } = makeBudgets(2)
    for (const name of ['a', 'b', 'c']) take(name, 1)
    expect([take('c', 1).isWithin, take('b', 1).isWithin, take('a', 1).isWithin]).toEqual([
      false,
      false,
      true
    ])
  })

  it('is never more than a minute’s worth in a minute and what it began with', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300 }),
        (perMinute, pauses) => {
          const { take, wait } = makeBudgets()
          let within = 0
          let seconds = 0
          for (const pause of pauses) {
            wait(pause / 1_000)
            seconds += pause / 1_000
            if (take('one', perMinute).isWithin) within++
          }
          return within <= perMinute + (seconds * perMinute) / 60 + 1e-6
        }
      )
    )
  })
})
