/** The time as the service knows it. Given as an argument, so that a test decides what time it is. */
export type Clock = () => Date

/** Milliseconds that pass, from no particular beginning. Nobody sets it back or ahead: every wait is measured by it. */
export type Stopwatch = () => number

export const systemStopwatch: Stopwatch = () => performance.now()

/** The time, or the next millisecond after `before` where the clock has not come so far: what changes is never of its old time. */
export function laterThan(before: Date, clock: Clock): Date {
  return new Date(Math.max(clock().getTime(), before.getTime() + 1))
}
