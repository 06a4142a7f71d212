import { type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import type { ClaimedPush } from './push.ts'

export interface Claims {
  /** Undefined where none is due. */
  next(): Promise<ClaimedPush | undefined>
  /** What was not begun can be taken by others at once. */
  giveBack(): Promise<void>
}

export interface ClaimsOptions {
  readonly claim: (limit: number, leaseMs: number) => Promise<readonly ClaimedPush[]>
  readonly release: (pushes: readonly ClaimedPush[]) => Promise<void>
  readonly stopwatch?: Stopwatch | undefined
}

const atOnce = 20
/** Longer than the calls for one certificate take. */
const leaseMs = 90_000
/** Later than so one is not begun: another process may have it before it is done. */
const freshMs = 30_000

interface Taken {
  readonly push: ClaimedPush
  readonly atMs: number
}

/** Hands out one at a time of what is taken from the database some at a time. */
export function createClaims({ claim, release, stopwatch = systemStopwatch }: ClaimsOptions): Claims {
  const taken: Taken[] = []
  let isEmpty = false
  let claiming: Promise<void> | undefined

  async function fill(): Promise<void> {
    const atMs = stopwatch()
    const pushes = await claim(atOnce, leaseMs)
    isEmpty = pushes.length === 0
    taken.push(...pushes.map(push => ({ push, atMs })))
  }

  return {
    async next() {
      for (;;) {
        const first = taken.shift()
        if (first !== undefined && stopwatch() < first.atMs + freshMs) return first.push
        if (first !== undefined) {
          await release([first.push])
          continue
        }
        if (isEmpty) return undefined
        claiming ??= fill().finally(() => {
          claiming = undefined
        })
        await claiming
      }
    },
    giveBack: async () => {
      if (taken.length > 0) await release(taken.splice(0).map(({ push }) => push))
    }
  }
}
