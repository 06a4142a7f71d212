/** How many may be asked at once; the others wait in the order in which they came. */
export interface Seats {
  /** @returns what gives the seat back. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createSeats(maximum: number): Seats {
  let taken = 0
  const waiting = new Set<() => void>()

  const leave = () => {
    taken -= 1
    const [next] = waiting
    next?.()
  }

  return {
    async take(signal) {
      signal.throwIfAborted()
      if (taken >= maximum) {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const giveUp = () => {
          waiting.delete(enter)
          reject(signal.reason as Error)
        }
        const enter = () => {
          waiting.delete(enter)
          signal.removeEventListener('abort', giveUp)
          // Counted here, so that nobody comes between.
          taken += 1
          resolve()
        }
        waiting.add(enter)
        signal.addEventListener('abort', giveUp, { once: true })
        await promise
      } else taken += 1
      let isLeft = false
      return () => {
        if (!isLeft) leave()
        isLeft = true
      }
    }
  }
}
