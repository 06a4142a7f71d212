import { expect, it } from 'vitest'
import { createTurns } from '../../../src/factory/stations/turns.ts'

it('does one after the other, also where one fails', async () => {
  const inTurn = createTurns()
  let underWay = 0
  const work = async () => {
    underWay++
    await new Promise(resolve => setImmediate(resolve))
    if (underWay-- > 1) throw new RangeError('at once')
  }
  const failing = inTurn(async () => {
    throw new TypeError('fails')
  })
  const all = Array.from({ length: 10 }, () => inTurn(work))
  await expect(failing).rejects.toThrow(TypeError)
  await Promise.all(all)
})

it('lets a hundred wait, and no more until some are done', async () => {
  const inTurn = createTurns()
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const waiting = Array.from({ length: 100 }, () => inTurn(() => promise))
  const refused = { code: 'overloaded', retryAfterSeconds: 1 }
  await expect(inTurn(() => promise)).rejects.toMatchObject(refused)
  resolve(undefined)
  await Promise.all(waiting)
  await inTurn(() => promise)
})
