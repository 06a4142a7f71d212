import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../src/database/group-commit.ts'
import { isMintlineError, MintlineError } from '../../src/errors/mintline-error.ts'

interface Gate {
  readonly items: readonly number[]
  open(): void
  fail(error: Error): void
}

/** A commit whose groups end when the test says so. */
function createGatedCommit() {
  const gates: Gate[] = []
  const commit = (items: readonly number[]): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    gates.push({ items, open: () => resolve(items.map(item => `done ${item}`)), fail: reject })
    return promise
  }
  return { gates, commit }
}

const limits = { maximumItems: 4, maximumWaiting: 6, concurrency: 1 }

describe('createGroupCommit', () => {
  it('commits the first item at once and makes a group of those that come meanwhile', async () => {
    const { gates, commit } = createGatedCommit()
    const sizes: number[] = []
    const group = createGroupCommit({ commit, ...limits, onGroup: size => sizes.push(size) })
    const results = [1, 2, 3].map(item => group.submit(item))
    expect(gates.map(gate => gate.items)).toEqual([[1]])
    expect(group.waiting).toBe(2)
    gates[0]?.open()
    expect(await results[0]).toBe('done 1')
    expect(gates.map(gate => gate.items)).toEqual([[1], [2, 3]])
    gates[1]?.open()
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2', 'done 3'])
    expect(sizes).toEqual([1, 2])
  })

  it('runs as many groups at once as it may', () => {
    const { gates, commit } = createGatedCommit()
    const group = createGroupCommit({ commit, ...limits, concurrency: 2 })
    for (const item of [1, 2, 3]) void group.submit(item)
    expect(gates.map(gate => gate.items)).toEqual([[1], [2]])
  })

  it('fails the items of a failing group and no others', async () => {
    const { gates, commit } = createGatedCommit()
    const group = createGroupCommit({ commit, ...limits })
    const results = Promise.allSettled([1, 2, 3].map(item => group.submit(item)))
    const failure = new Error('lost')
    gates[0]?.fail(failure)
    await expect.poll(() => gates.length).toBe(2)
    gates[1]?.open()
    expect(await results).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 'done 2' },
      { status: 'fulfilled', value: 'done 3' }
    ])
  })

  it('tries the items of a spoilt group one by one, so that the one at fault fails alone', async () => {
    const groups: (readonly number[])[] = []
    const first = Promise.withResolvers<void>()
    const group = createGroupCommit({
      ...limits,
      async commit(items: readonly number[]) {
        groups.push(items)
        if (groups.length === 1) await first.promise
        if (items.includes(3)) throw new MintlineError('internal_error', 'refused')
        return items.map(item => item * 2)
      }
    })
    const results = Promise.allSettled([1, 2, 3, 4].map(item => group.submit(item)))
    first.resolve()
    expect((await results).map(result => (result.status === 'fulfilled' ? result.value : 'refused'))).toEqual(
      [2, 4, 'refused', 8]
    )
    expect(groups).toEqual([[1], [2, 3, 4], [2], [3], [4]])
  })

  it('tries nothing again when it is not known what became of a group', async () => {
    let commits = 0
    const first = Promise.withResolvers<void>()
    const group = createGroupCommit({
      ...limits,
      async commit() {
        if (++commits === 1) await first.promise
        throw new MintlineError('database_unavailable', 'gone')
      }
    })
    const results = Promise.allSettled([1, 2, 3].map(item => group.submit(item)))
    first.resolve()
    expect((await results).every(({ status }) => status === 'rejected')).toBe(true)
    expect(commits).toBe(2)
  })

  it('refuses a commit that answers with too few results', async () => {
    const group = createGroupCommit({ commit: async () => [], ...limits })
    await expect(group.submit(1)).rejects.toMatchObject({ code: 'internal_error' })
  })

  it('refuses with overloaded what exceeds the waiting room, and takes items again later', async () => {
    const { gates, commit } = createGatedCommit()
    const group = createGroupCommit({ commit, ...limits, maximumWaiting: 2 })
    const taken = [1, 2, 3].map(item => group.submit(item))
    await expect(group.submit(4)).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    gates[0]?.open()
    await taken[0]
    const later = group.submit(5)
    gates[1]?.open()
    await Promise.all(taken)
    gates[2]?.open()
    expect(await later).toBe('done 5')
  })

  it('takes an owed item however many wait', async () => {
    const { gates, commit } = createGatedCommit()
    const group = createGroupCommit({ commit, ...limits, maximumWaiting: 1 })
    const results = [group.submit(1), group.submit(2), group.submit(3, { isOwed: true })]
    await expect(group.submit(4)).rejects.toMatchObject({ code: 'overloaded' })
    gates[0]?.open()
    await results[0]
    gates[1]?.open()
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2', 'done 3'])
  })

  it('keeps order, loses nothing, doubles nothing and stays within its bounds', async () => {
    const load = fc.record({
      maximumItems: fc.integer({ min: 1, max: 5 }),
      maximumWaiting: fc.integer({ min: 0, max: 8 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
      // How many items come between two turns of the event loop.
      bursts: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 }),
      turnsPerGroup: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 })
    })
    await fc.assert(
      fc.asyncProperty(load, async ({ bursts, turnsPerGroup, ...bounds }) => {
        const groups: (readonly number[])[] = []
        let underWay = 0
        const group = createGroupCommit({
          ...bounds,
          async commit(items: readonly number[]) {
            underWay++
            expect(underWay).toBeLessThanOrEqual(bounds.concurrency)
            groups.push(items)
            await turns(turnsPerGroup[groups.length % turnsPerGroup.length] ?? 0)
            underWay--
            return items.map(item => item * 2)
          }
        })
        const submitted: Promise<{ item: number; result: number | 'refused' }>[] = []
        for (const size of bursts) {
          for (let i = 0; i < size; i++) submitted.push(submit(submitted.length))
          expect(group.waiting).toBeLessThanOrEqual(bounds.maximumWaiting)
          await turns(1)
        }
        async function submit(item: number) {
          const result = await group.submit(item).catch((error: unknown) => {
            if (isMintlineError(error, 'overloaded')) return 'refused' as const
            throw error
          })
          return { item, result }
        }
        const answers = await Promise.all(submitted)
        const taken = answers.filter(({ result }) => result !== 'refused')
        expect(groups.flat()).toEqual(taken.map(({ item }) => item))
        for (const { item, result } of taken) expect(result).toBe(item * 2)
        for (const items of groups) expect(items.length).toBeLessThanOrEqual(bounds.maximumItems)
      }),
      { numRuns: 200 }
    )
  })
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}
