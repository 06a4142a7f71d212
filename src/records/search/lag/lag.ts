import type { LagStore } from './lag-store.ts'

export interface SearchLag {
  /**
   * For how many seconds nobody saw that all records were filled in: up to some where all is well, since that is noted every
   * few. While they are filled in anew, how old the last is that is. Undefined where none is.
   *
   * @throws MintlineError `database_unavailable`.
   */
  measure(): Promise<number | undefined>
  /** For readiness: whether that is too long. @throws as above. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
}

const overdueSeconds = 60
const advice =
  'Wait after an update, a restore or `mintline search rebuild`; else see the log of the process that does the background duties.'

export function createSearchLag(store: LagStore): SearchLag {
  async function measure(): Promise<number | undefined> {
    const lagMs = await store.readLagMs()
    return lagMs === undefined ? undefined : lagMs / 1000
  }

  return {
    measure,
    async examine() {
      const seconds = await measure()
      if (seconds === undefined)
        return { ok: false, detail: `Records are not filled in for the search yet. ${advice}` }
      if (seconds <= overdueSeconds) return { ok: true, detail: 'follows the records' }
      return { ok: false, detail: `The search is ${Math.floor(seconds)} s behind the records. ${advice}` }
    }
  }
}
