import { describe, expect, it, vi } from 'vitest'
import { createTokenMemory } from '../../../src/access/token/memory.ts'
import type { StoredToken } from '../../../src/access/token/token-store.ts'
import { createTokenUses } from '../../../src/access/token/uses.ts'

const tokenOf = (id: string) => ({ id, name: id }) as StoredToken

/** A memory of tokens, on a clock that stands, and how often the database was asked. */
function remember() {
  let now = 0
  const find = vi.fn(async (id: string): Promise<StoredToken | undefined> => tokenOf(id))
  const findAll = async (ids: readonly string[]) => {
    const found = await Promise.all(ids.map(async id => [id, await find(id)] as const))
    return new Map(found.flatMap(([id, token]) => (token === undefined ? [] : [[id, token] as const])))
  }
  const memory = createTokenMemory({ findAll }, () => now)
  return { memory, find, wait: (ms: number) => void (now += ms) }
}

describe('the memory of tokens', () => {
  it('holds for a second, and not where it is to be asked afresh', async () => {
    const { memory, find, wait } = remember()
    for (const afresh of [false, false, true]) await memory.find('a', afresh)
    expect(find).toHaveBeenCalledTimes(2)
    wait(1_001)
    await memory.find('a', false)
    expect(find).toHaveBeenCalledTimes(3)
  })

  it.each([
    ['that one', (memory: ReturnType<typeof remember>['memory']) => memory.forgetOne('a')],
    ['all', (memory: ReturnType<typeof remember>['memory']) => memory.forget()]
  ])('keeps nothing that was read while %s changed', async (_what, change) => {
    const { memory, find } = remember()
    find.mockImplementationOnce(async id => {
      change(memory)
      return tokenOf(id)
    })
    await memory.find('a', false)
    await memory.find('a', false)
    expect(find).toHaveBeenCalledTimes(2)
  })

  it('has no more than ten thousand', async () => {
    const { memory, find } = remember()
    for (let index = 0; index <= 10_000; index++) await memory.find(String(index), false)
    await memory.find('0', false)
    expect(find).toHaveBeenCalledTimes(10_002)
  })

  it('takes one that is gone for gone', async () => {
    const { memory, find, wait } = remember()
    await memory.find('a', false)
    wait(1_001)
    find.mockResolvedValueOnce(undefined)
    expect(await memory.find('a', false)).toBeUndefined()
    await memory.find('a', false)
    expect(find).toHaveBeenCalledTimes(3)
  })
})

describe('the uses of tokens', () => {
  it('that cannot be kept fail for nobody, and are told', async () => {
    await using stops = new AsyncDisposableStack()
    const warn = vi.fn()
    const store = {
      async noteUse() {
        throw new Error('away')
      }
    }
    const uses = createTokenUses({ store, log: { warn } }, stops)
    uses.note('a', new Date())
    await uses.flush()
    expect(warn).toHaveBeenCalledTimes(1)
    await uses.flush()
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('are noted of ten thousand tokens at the most, and of those anew', async () => {
    await using stops = new AsyncDisposableStack()
    const noteUse = vi.fn(async (_uses: ReadonlyMap<string, Date>) => undefined)
    const uses = createTokenUses({ store: { noteUse }, log: { warn: () => undefined } }, stops)
    for (let index = 0; index <= 10_000; index++) uses.note(String(index), new Date(1))
    uses.note('0', new Date(2))
    await uses.flush()
    const [noted] = noteUse.mock.calls[0]!
    expect([noted.size, noted.get('0'), noted.has('10000')]).toEqual([10_000, new Date(2), false])
  })
})
