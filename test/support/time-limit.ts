import { expect } from 'vitest'

/** What `work` takes on a machine on which the limits are to hold as they are written. */
const referenceMs = 14
const rounds = 25

/** What programs mostly do: make objects and texts, read them again, look things up. */
function work(): number {
  const made = Array.from({ length: 20_000 }, (_, index) => ({ a: index, b: `x${index}`, c: [index] }))
  const read = JSON.parse(JSON.stringify(made)) as typeof made
  return new Map(read.map(each => [each.b, each])).size
}

/** How many times slower this machine is at the moment than that one, by the best of many rounds; 1 where it is not. */
function measureSlowness(): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return Math.max(Math.min(...times) / referenceMs, 1)
}

/** What `work` takes of the processor, in this thread, in milliseconds: whatever else the machine does meanwhile. */
export async function measureCpu(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** How many turns others had while `work` went on, and what this thread worked between two of them at most, in milliseconds. */
export async function measureTurns(
  work: () => Promise<unknown>
): Promise<{ readonly turns: number; readonly longestMs: number }> {
  let [isOver, turns, longestMs] = [false, 0, 0]
  async function takeTurns() {
    while (!isOver) {
      const ms = await measureCpu(() => new Promise(resolve => setImmediate(resolve)))
      longestMs = Math.max(longestMs, ms)
      turns += 1
    }
  }
  const taken = takeTurns()
  await work()
  isOver = true
  await taken
  return { turns, longestMs }
}

/** Where a limit of time seems to be broken, it is held against what the machine can do at that moment. */
export function expectWithin(measured: number, limit: number): void {
  if (measured < limit) return
  const slowness = measureSlowness()
  const machine = `on a machine that takes ${slowness.toFixed(2)} times as long as it should`
  expect(measured, machine).toBeLessThan(limit * slowness)
}
