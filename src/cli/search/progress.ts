import type { CommandIo } from '../command.ts'

export interface SearchIo extends CommandIo {
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean
}

const eraseLine = '\r\u001b[K'

/** One line on a terminal that is written over; nothing where it is none. @param total about how many there are; 0 unknown. */
export function createProgress({ isTerminal, writeError }: SearchIo, total: number) {
  const startMs = performance.now()
  return {
    tell(records: number): void {
      if (isTerminal)
        writeError(`${eraseLine}${describeProgress({ records, total, ms: performance.now() - startMs })}`)
    },
    clear(): void {
      if (isTerminal) writeError(eraseLine)
    }
  }
}

interface Reached {
  readonly records: number
  readonly total: number
  readonly ms: number
}

export function describeProgress({ records, total, ms }: Reached): string {
  const perSecond = records / (ms / 1000)
  const rate = `${Math.round(perSecond).toLocaleString('en')} a second`
  const done = records.toLocaleString('en')
  // An estimate that was passed says nothing any more.
  if (total <= records || perSecond === 0) return `${done} records filled in, ${rate}`
  const leftSeconds = Math.ceil((total - records) / perSecond)
  return `${done} of about ${Math.round(total).toLocaleString('en')} records filled in, ${rate}, ${leftSeconds} s left`
}
