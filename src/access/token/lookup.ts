import { createGroupCommit } from '../../database/group-commit.ts'
import type { StoredToken, TokenStore } from './token-store.ts'

/** Asks the database for tokens, one query for all that are asked for meanwhile. */
export interface TokenLookup {
  /** As it is at some time after the call. @throws MintlineError `overloaded`, `database_unavailable`. */
  find(id: string): Promise<StoredToken | undefined>
}

const maximumKnown = 10_000
const knownLimits = { maximumItems: 128, maximumWaiting: 4_096, concurrency: 2 }
/** Anybody can make up ids: they get one query at a time, and no more may wait than it takes. */
const strangerLimits = { maximumItems: 128, maximumWaiting: 256, concurrency: 1 }

/** Ids that have been found once do not wait with those that have not. */
export function createTokenLookup({ findAll }: Pick<TokenStore, 'findAll'>): TokenLookup {
  const known = new Set<string>()
  const commit = async (ids: readonly string[]) => {
    const found = await findAll([...new Set(ids)])
    return ids.map(id => found.get(id))
  }
  const ofKnown = createGroupCommit({ commit, ...knownLimits })
  const ofStrangers = createGroupCommit({ commit, ...strangerLimits })
  return {
    async find(id) {
      if (known.has(id)) return ofKnown.submit(id)
      const token = await ofStrangers.submit(id)
      if (token !== undefined && known.size < maximumKnown) known.add(id)
      return token
    }
  }
}
