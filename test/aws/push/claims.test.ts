import { expect, it } from 'vitest'
import { createClaims } from '../../../src/aws/push/claims.ts'
import type { ClaimedPush } from '../../../src/aws/push/push.ts'

function open(batches: string[][]) {
  let now = 0
  const released: string[] = []
  const leases: number[] = []
  const claims = createClaims({
    claim: async (_, leaseMs) => {
      leases.push(leaseMs)
      return (batches.shift() ?? []).map(id => ({ id }) as ClaimedPush)
    },
    release: async pushes => void released.push(...pushes.map(({ id }) => id)),
    stopwatch: () => now
  })
  const wait = (ms: number) => void (now += ms)
  return { claims, released, leases, wait }
}

it('hands out each once, until none is due', async () => {
  const { claims, released, leases } = open([['1', '2'], ['3']])
  const all = await Promise.all([claims.next(), claims.next(), claims.next()])
  expect(all.map(push => push?.id)).toEqual(['1', '2', '3'])
  expect(await claims.next()).toBeUndefined()
  await claims.giveBack()
  expect([released, new Set(leases)]).toEqual([[], new Set([90_000])])
})

it('begins none that has lain too long for its lease', async () => {
  const { claims, released, wait } = open([['1', '2'], ['3']])
  expect((await claims.next())?.id).toBe('1')
  wait(30_000)
  expect((await claims.next())?.id).toBe('3')
  expect(released).toEqual(['2'])
})

it('gives back what was not begun', async () => {
  const { claims, released } = open([['1', '2', '3']])
  await claims.next()
  await claims.giveBack()
  await claims.giveBack()
  expect(released).toEqual(['2', '3'])
})
