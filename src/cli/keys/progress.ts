import type { CommandIo } from '../command.ts'

export interface KeysIo extends CommandIo {
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean
}

/** One line on a terminal that is written over; nothing where it is none. */
export interface Progress {
  tellRead(keys: number): void
  /** @param done from 0 to 1. */
  tellCompared(done: number): void
  clear(): void
}

const widthOfBar = 24
const eraseLine = '\r\u001b[K'

export function createProgress({
  isTerminal,
  writeError
}: Pick<KeysIo, 'isTerminal' | 'writeError'>): Progress {
  let isWritten = false
  let comparedSince: number | undefined

  function write(text: string): void {
    if (!isTerminal) return
    isWritten = true
    writeError(`${eraseLine}${text}`)
  }

  return {
    tellRead(keys) {
      write(`${keys.toLocaleString('en')} RSA keys read`)
      comparedSince = performance.now()
    },
    tellCompared(done) {
      comparedSince ??= performance.now()
      const filled = Math.round(Math.min(done, 1) * widthOfBar)
      const bar = '#'.repeat(filled).padEnd(widthOfBar, '.')
      const leftSeconds = Math.round(((performance.now() - comparedSince) / 1000 / done) * (1 - done))
      write(`comparing [${bar}] ${Math.round(done * 100)} %, ${leftSeconds} s left`)
    },
    clear() {
      if (isWritten) writeError(eraseLine)
      isWritten = false
    }
  }
}
