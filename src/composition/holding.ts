import type { DatabaseLog } from '../database/database-log.ts'

export interface Held<Result> {
  readonly result: Result
  /** Stops everything in the reverse order, also when one part cannot be stopped, and then throws. */
  stop(): Promise<void>
}

/**
 * What `start` starts is held until `stop`. When a later part of it fails, what was started before is stopped again,
 * and the failure is what the caller is told.
 */
export async function hold<Result>(
  log: Pick<DatabaseLog, 'warn'>,
  start: (stops: AsyncDisposableStack) => Promise<Result>
): Promise<Held<Result>> {
  const stops = new AsyncDisposableStack()
  try {
    return { result: await start(stops), stop: () => stops.disposeAsync() }
  } catch (error) {
    await stops
      .disposeAsync()
      .catch((stopError: unknown) =>
        log.warn({ err: stopError }, 'what was started could not all be stopped')
      )
    throw error
  }
}
