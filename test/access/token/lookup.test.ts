import { describe, expect, it } from 'vitest'
import { createTokenLookup } from '../../../src/access/token/lookup.ts'
import type { StoredToken } from '../../../src/access/token/token-store.ts'

const valid = { id: 'valid' } as StoredToken

/** A database that answers when the test says so, and what it was asked for. */
function createGate() {
  const asked: (readonly string[])[] = []
  const answers: (() => void)[] = []
  const lookup = createTokenLookup({
    async findAll(ids) {
      asked.push(ids)
      await new Promise<void>(resolve => answers.push(resolve))
      return new Map(ids.includes(valid.id) ? [[valid.id, valid]] : [])
    }
  })
  const answer = async () => {
    answers.shift()!()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return { asked, lookup, answer }
}

describe('a look-up of tokens', () => {
  it('asks once for all that are asked for meanwhile', async () => {
    const { asked, lookup, answer } = createGate()
    const found = ['a', 'valid', 'valid', 'b'].map(id => lookup.find(id))
    await answer()
    await answer()
    expect(asked).toEqual([['a'], ['valid', 'b']])
    expect(await Promise.all(found)).toEqual([undefined, valid, valid, undefined])
  })

  it('asks anew for who comes while it is asked: an answer is never older than the question', async () => {
    const { asked, lookup, answer } = createGate()
    void lookup.find('valid')
    void lookup.find('valid')
    expect(asked).toHaveLength(1)
    await answer()
    expect(asked).toHaveLength(2)
  })

  it('has nobody who was found once wait for ids that somebody makes up, of which it takes only so many', async () => {
    const { asked, lookup, answer } = createGate()
    void lookup.find('valid')
    await answer()
    const madeUp = Array.from({ length: 300 }, (_, index) => lookup.find(`made-up-${index}`))
    const outcomes = Promise.allSettled(madeUp)
    const again = lookup.find('valid')
    expect(asked).toEqual([['valid'], ['made-up-0'], ['valid']])
    await answer()
    await answer()
    expect(await again).toBe(valid)
    await answer()
    await answer()
    const refused = (await outcomes).filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(300 - 1 - 256)
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded' } })
    expect(asked.length).toBeLessThanOrEqual(6)
  })
})
