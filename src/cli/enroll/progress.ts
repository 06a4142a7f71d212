/** How far a run is, on one line that is written over; nothing where nobody watches. */
export interface Progress {
  step(): void
  /** Clears the line, before anything else is written. */
  clear(): void
}

const intervalMs = 200

export function createProgress(total: number, write: ((text: string) => void) | undefined): Progress {
  const start = performance.now()
  let done = 0
  let toldAt = -Infinity
  return {
    step() {
      done += 1
      const now = performance.now()
      if (write === undefined || (now - toldAt < intervalMs && done < total)) return
      toldAt = now
      write(`\r\u001b[K${describeProgress(done, total, (now - start) / 1_000)}`)
    },
    clear: () => write?.('\r\u001b[K')
  }
}

export function describeProgress(done: number, total: number, seconds: number): string {
  const rate = done / Math.max(seconds, 0.001)
  const left = Math.ceil((total - done) / rate)
  return `${done} of ${total}, ${rate.toFixed(rate < 10 ? 1 : 0)} a second, ${left} s left`
}
