import { type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import { createTokenLookup } from './lookup.ts'
import type { StoredToken, TokenStore } from './token-store.ts'

/** Tokens as they were a moment ago. */
export interface TokenMemory {
  /** @param afresh whether the database is to be asked in any case. */
  find(id: string, afresh: boolean): Promise<StoredToken | undefined>
  forgetOne(id: string): void
  forget(): void
}

/**
 * How long a token that was seen valid is taken for valid without asking again. It bounds what a change in another
 * process takes to reach this one's reads when the notice of it is lost. What is written asks the database in its own
 * transaction.
 */
const trustMs = 1_000
const maximumRemembered = 10_000

export function createTokenMemory(
  store: Pick<TokenStore, 'findAll'>,
  stopwatch: Stopwatch = systemStopwatch
): TokenMemory {
  const lookup = createTokenLookup(store)
  let changes = 0
  const remembered = new Map<string, { readonly token: StoredToken; readonly until: number }>()
  return {
    async find(id, afresh) {
      const now = stopwatch()
      const known = remembered.get(id)
      if (!afresh && known !== undefined && known.until > now) return known.token
      const changesBefore = changes
      const token = await lookup.find(id)
      // Read while a change was under way, it may be out of date already.
      if (changes !== changesBefore) return token
      if (remembered.size >= maximumRemembered) remembered.clear()
      if (token === undefined) remembered.delete(id)
      else remembered.set(id, { token, until: now + trustMs })
      return token
    },
    forgetOne(id) {
      changes++
      remembered.delete(id)
    },
    forget() {
      changes++
      remembered.clear()
    }
  }
}
