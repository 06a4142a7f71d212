import type { AuditEvent } from '../audit/audit-event.ts'
import { assertTokenStands, insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import { notifyStatement } from '../database/sessions/notifications.ts'
import type { PageQuery } from '../sources/page.ts'
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

/** What is told to those who listen for changes when a token was revoked. */
export const revocationNotice = 'token'

export interface TokenStore {
  find(id: string): Promise<StoredToken | undefined>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly StoredToken[]>
  insert(token: StoredToken, event: AuditEvent): Promise<void>
  /** As of the event, and told to every process. Never leaves the service without a valid admin token. */
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
    async list({ limit, cursor }) {
      const where = cursor === undefined ? {} : { id: { lt: cursor } }
      const rows = await runQuery(() =>
        client.token.findMany({ where, orderBy: { id: 'desc' }, take: limit })
      )
      return rows.map(toStoredToken)
    },
    async insert(token, event) {
      const { id, name, role, createdAt, createdBy } = token
      const secretSha256 = new Uint8Array(token.secretSha256)
      await runQuery(() =>
        client.$transaction(async transaction => {
          await transaction.token.create({ data: { id, name, role, createdAt, createdBy, secretSha256 } })
          await insertAuditEvent(transaction, event)
        }, transactionLimits)
      )
    },
    revoke: (id, event) =>
      runQuery(() =>
        client.$transaction(async transaction => {
          // Locked, so that two administrators cannot revoke each other's at once.
          const valid = await transaction.$queryRaw<{ id: string; role: Role }[]>`
            SELECT id, role::text AS role FROM token
            WHERE (role = 'admin' OR id = ${id}::uuid) AND revoked_at IS NULL FOR UPDATE`
          const others = valid.filter(token => token.id !== id)
          const revoked = valid.find(token => token.id === id)
          await assertTokenStands(transaction, event)
          if (revoked === undefined) return 'not-found'
          if (others.length === 0 && revoked.role === 'admin') return 'last-admin'
          // Before the revocation: a token may revoke itself.
          await insertAuditEvent(transaction, event)
          await transaction.token.update({ where: { id }, data: { revokedAt: event.createdAt } })
          await transaction.$executeRawUnsafe(notifyStatement, revocationNotice)
          return 'revoked'
        }, transactionLimits)
      )
  }
}

function toStoredToken(row: TokenRow): StoredToken {
  return { ...row, revokedAt: row.revokedAt ?? undefined }
}
