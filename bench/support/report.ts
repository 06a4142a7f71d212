import { type LoadResult, percentile } from './load.ts'

/** Prints rate and latencies. Throws when anything but the expected status came. */
export function report(name: string, result: LoadResult, expectedStatus: number): void {
  const rate = (result.requests / result.seconds).toFixed(0)
  const latency = `p50 ${percentile(result, 0.5).toFixed(1)} ms, p99 ${percentile(result, 0.99).toFixed(1)} ms`
  console.log(`${name.padEnd(8)} ${rate} requests/s over ${result.connections} connections, ${latency}`)
  const others = [...result.statuses].filter(([status]) => status !== expectedStatus)
  if (others.length > 0) {
    throw new Error(
      `${name} answered ${others.map(([status, count]) => `${status} (${count} times)`).join(', ')}`
    )
  }
}

/** Ends the run when a promise of the service did not hold. */
export function assertThat(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`did not hold: ${promise}`)
  console.log(`held     ${promise}`)
}
