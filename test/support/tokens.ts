import { randomBytes as nodeRandomBytes } from 'node:crypto'
import { createTokens, type TokenDependencies } from '../../src/access/token/token.ts'
import { createTokenStore } from '../../src/access/token/token-store.ts'
import type { Database } from '../../src/database/database.ts'
import { createStationStore } from '../../src/factory/stations/station-store.ts'

/** Tokens as one process knows them, whose use is not noted. */
export function createTestTokens(database: Database, change: Partial<TokenDependencies> = {}) {
  return createTokens({
    store: createTokenStore(database),
    uses: { note: () => undefined },
    findStation: createStationStore(database).find,
    clock: () => new Date(),
    randomBytes: size => new Uint8Array(nodeRandomBytes(size)),
    ...change
  })
}
