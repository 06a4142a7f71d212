/** How far an export is, on one line of the terminal that is written over; nothing where nobody watches. */
export interface ExportProgress {
  /** @param share of the whole that is done, from 0 to 1, where that is known. */
  tell(done: number, unit: string, share: number | undefined): void
  /** Something else for the moment. */
  say(text: string): void
  /** Clears the line, before anything else is written. */
  clear(): void
}

const intervalMs = 200

export function createExportProgress(write: ((text: string) => void) | undefined): ExportProgress {
  const begunAt = performance.now()
  let toldAt = -Infinity
  let first: { readonly done: number; readonly share: number } | undefined
  const show = (text: string) => write?.(`\r\u001b[K${text}`)
  return {
    tell(done, unit, share) {
      const now = performance.now()
      // Of this run: what was there before has taken no time.
      first ??= { done, share: share ?? 0 }
      if (now - toldAt < intervalMs) return
      toldAt = now
      const seconds = (now - begunAt) / 1_000
      const gained = share === undefined ? undefined : share - first.share
      show(
        describeExportProgress({ done, unit, share, rate: (done - first.done) / seconds, gained, seconds })
      )
    },
    say: show,
    clear: () => write?.('\r\u001b[K')
  }
}

export interface ExportStep {
  readonly done: number
  readonly unit: string
  readonly share: number | undefined
  /** A second. */
  readonly rate: number
  /** What of the share came about in these seconds. */
  readonly gained: number | undefined
  readonly seconds: number
}

export function describeExportProgress({ done, unit, share, rate, gained, seconds }: ExportStep): string {
  const told = `${done} ${unit}, ${rate.toFixed(rate < 10 ? 1 : 0)} a second`
  if (share === undefined || gained === undefined || gained <= 0) return told
  const left = Math.ceil((seconds / gained) * Math.max(0, 1 - share))
  return `${told}, ${Math.floor(Math.min(share, 1) * 100)} %, ${left} s left`
}
