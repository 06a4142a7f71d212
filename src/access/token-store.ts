import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { Role } from './principal.ts'
import type { TokenView } from './token.ts'

/** A token as it is kept: its secret only as a digest. */
export interface StoredToken extends TokenView {
  readonly secretSha256: Uint8Array
}

/** An administrative act on a token, kept with it in one transaction. */
export interface TokenAct {
  readonly eventId: string
  readonly actor: string
  readonly time: Date
}

export interface TokenStore {
  find(id: string): Promise<StoredToken | undefined>
  /** Newest first. */
  list(): Promise<readonly StoredToken[]>
  insert(token: StoredToken, act: TokenAct): Promise<void>
  /** Never leaves the service without a valid admin token. */
  revoke(id: string, act: TokenAct): Promise<'revoked' | 'not-found' | 'last-admin'>
}

interface TokenRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly secretSha256: Uint8Array
  readonly createdAt: Date
  readonly createdBy: string
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
    async insert(token, act) {
      const { id, name, role, createdAt, createdBy } = token
      const secretSha256 = new Uint8Array(token.secretSha256)
      await runQuery(() =>
        client.$transaction([
          client.token.create({ data: { id, name, role, createdAt, createdBy, secretSha256 } }),
          client.auditEvent.create({ data: tokenEvent('token.create', id, act, { name, role }) })
        ])
      )
    },
    async revoke(id, act) {
      return runQuery(() =>
        client.$transaction(async transaction => {
          // Locked, so that two administrators cannot revoke each other's at once.
          const admins = await transaction.$queryRaw<{ id: string }[]>`
            SELECT id FROM token WHERE role = 'admin' AND revoked_at IS NULL FOR UPDATE`
          if (admins.length === 1 && admins[0]?.id === id) return 'last-admin'
          const { count } = await transaction.token.updateMany({
            where: { id, revokedAt: null },
            data: { revokedAt: act.time }
          })
          if (count === 0) return 'not-found'
          const revokedAt = act.time.toISOString()
          await transaction.auditEvent.create({ data: tokenEvent('token.revoke', id, act, { revokedAt }) })
          return 'revoked'
        })
      )
    }
  }
}

function tokenEvent(name: string, tokenId: string, act: TokenAct, after: Record<string, string>) {
  const { eventId, actor, time } = act
  return { id: eventId, createdAt: time, actor, act: name, subject: `token/${tokenId}`, after }
}

function toStoredToken(row: TokenRow): StoredToken {
  return { ...row, revokedAt: row.revokedAt ?? undefined }
}
