import type { DatabaseLog } from '../../database/database-log.ts'
import type { TokenStore } from './token-store.ts'

/** When tokens were used last, kept to the minute or so. */
export interface TokenUses {
  /** Costs nothing at once, and fails for nobody. */
  note(tokenId: string, time: Date): void
  /** Writes what is not written yet. */
  flush(): Promise<void>
}

export interface TokenUsesDependencies {
  readonly store: Pick<TokenStore, 'noteUse'>
  readonly log: Pick<DatabaseLog, 'warn'>
}

/** One statement a minute for all tokens, whatever they do. */
const intervalMs = 60_000
/** Beyond it the others are noted the next time that they come. */
const maximumNoted = 10_000

export function createTokenUses(
  { store, log }: TokenUsesDependencies,
  stops: AsyncDisposableStack
): TokenUses {
  let noted = new Map<string, Date>()

  async function flush(): Promise<void> {
    const due = noted
    noted = new Map()
    if (due.size === 0) return
    try {
      await store.noteUse(due)
    } catch (error) {
      log.warn({ err: error, tokens: due.size }, 'when tokens were used last could not be kept')
    }
  }

  const timer = setInterval(() => void flush(), intervalMs)
  timer.unref()
  stops.defer(async () => {
    clearInterval(timer)
    await flush()
  })
  return {
    note(tokenId, time) {
      if (noted.size < maximumNoted || noted.has(tokenId)) noted.set(tokenId, time)
    },
    flush
  }
}
