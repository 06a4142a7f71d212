import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { AuthorityState } from './authority.ts'
import type { SignerReference } from './signers/open-signer.ts'

export interface StoredAuthority {
  readonly id: string
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly state: AuthorityState
  readonly certificateDer: Uint8Array
  /** The certificates above it, nearest first. */
  readonly issuersDer: readonly Uint8Array[]
  readonly signer: SignerReference
  readonly createdAt: Date
}

export interface AuthorityStore {
  /** Every generation there ever was, oldest first. */
  list(): Promise<readonly StoredAuthority[]>
}

export function createAuthorityStore(database: Database): AuthorityStore {
  return {
    async list() {
      const rows = await runQuery(() => database.prisma.authority.findMany({ orderBy: { id: 'asc' } }))
      return rows.map(row => ({ ...row, signer: row.signer as unknown as SignerReference }))
    }
  }
}
