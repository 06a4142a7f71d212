import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { Role } from './principal.ts'

/** A token as it is kept: its secret only as a digest. */
export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly createdAt: Date
  readonly createdBy: string
  readonly revokedAt: Date | undefined
  readonly secretSha256: Uint8Array
}

export interface TokenStore {
  find(id: string): Promise<StoredToken | undefined>
  /** Newest first. */
  list(): Promise<readonly StoredToken[]>
  insert(token: StoredToken, event: AuditEvent): Promise<void>
  /** As of the event. Never leaves the service without a valid admin token. */
  revoke(id: string, event: AuditEvent): Promise<'revoked' | 'not-found' | 'last-admin'>
}

interface TokenRow extends Omit<StoredToken, 'revokedAt'> {
  readonly revokedAt: Date | null
}

export function createTokenStore(database: Database): TokenStore {
  const client = database.prisma
  return {
    async find(id) {
      const row = await runQuery(() => client.token.findUnique({ where: { id } }))
      return row === null ? undefined : toStoredToken(row)
    },
    async list() {
      const rows = await runQuery(() => client.token.findMany({ orderBy: { id: 'desc' } }))
      return rows.map(toStoredToken)
    },
    async insert(token, event) {
      const { id, name, role, createdAt, createdBy } = token
      const secretSha256 = new Uint8Array(token.secretSha256)
      await runQuery(() =>
        client.$transaction([
          client.token.create({ data: { id, name, role, createdAt, createdBy, secretSha256 } }),
          insertAuditEvent(client, event)
        ])
      )
    },
    async revoke(id, event) {
      return runQuery(() =>
        client.$transaction(async transaction => {
          // Locked, so that two administrators cannot revoke each other's at once.
          const admins = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM token WHERE role = 'admin' AND revoked_at IS NULL FOR UPDATE`
          if (admins.length === 1 && admins[0]?.id === id) return 'last-admin'
          const { count } = await transaction.token.updateMany({
            where: { id, revokedAt: null },
            data: { revokedAt: event.createdAt }
          })
          if (count === 0) return 'not-found'
          await insertAuditEvent(transaction, event)
          return 'revoked'
        })
      )
    }
  }
}

function toStoredToken(row: TokenRow): StoredToken {
  return { ...row, revokedAt: row.revokedAt ?? undefined }
}
