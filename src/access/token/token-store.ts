import type { AuditEvent } from '../../audit/audit-event.ts'
import { assertTokenStands, insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, type Prisma, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { notifyStatement } from '../../database/sessions/notifications.ts'
import type { Station } from '../../factory/stations/station.ts'
import { insertStation, toStation } from '../../factory/stations/station-store.ts'
import type { PageQuery } from '../../sources/page.ts'
import type { Role } from '../principal.ts'

/** A token as it is kept: its secrets only as digests. */
export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Of the role station, and of no other. */
  readonly station: Station | undefined
  /** Of production, to which its holder is held; none for all. */
  readonly lines: readonly string[]
  readonly createdAt: Date
  readonly createdBy: string
  readonly expiresAt: Date | undefined
  readonly revokedAt: Date | undefined
  readonly secretSha256: Uint8Array
  /** What was the secret before the last rotation. */
  readonly previous: PreviousSecret | undefined
  /** To the minute or so. */
  readonly lastUsedAt: Date | undefined
}

interface PreviousSecret {
  readonly secretSha256: Uint8Array
  /** It is taken until then. */
  readonly until: Date
}

/** A station that is made along with its first token. */
export interface StationOfToken {
  readonly station: Station
  readonly event: AuditEvent
}

/** What is told to those who listen for changes when a token was revoked or has another secret. */
export const revocationNotice = 'token'

export interface TokenStore {
  find(id: string): Promise<StoredToken | undefined>
  /** Those that there are, by their ids. */
  findAll(ids: readonly string[]): Promise<ReadonlyMap<string, StoredToken>>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly StoredToken[]>
  /**
   * With its station, where that is new. `name-taken` by a token that is valid at the time of the event; `station-taken`
   * where somebody else made the station meanwhile.
   */
  insert(token: StoredToken, event: AuditEvent, made?: StationOfToken): Promise<InsertOutcome>
  /** As of the event, and told to every process. Never leaves the service without a valid admin token. */
  revoke(id: string, event: AuditEvent): Promise<'revoked' | 'not-found' | 'last-admin'>
  /** Told to every process. False where it is revoked, or another secret has come first. */
  rotate(token: StoredToken, rotated: RotatedSecret, event: AuditEvent): Promise<boolean>
  /** Notes that they were used, where that is not known of the last minute. */
  noteUse(uses: ReadonlyMap<string, Date>): Promise<void>
}

type InsertOutcome = 'inserted' | 'name-taken' | 'station-taken'

interface RotatedSecret extends Pick<StoredToken, 'secretSha256' | 'expiresAt'> {
  readonly previousUntil: Date
}

const include = { station: true, use: true } as const
type TokenRow = Prisma.TokenGetPayload<{ include: typeof include }>

export function createTokenStore(database: Database): TokenStore {
  const client = database.prisma
  return {
    find: async id => (await findAll(client, [id])).get(id),
    findAll: ids => findAll(client, ids),
    async list({ limit, cursor }) {
      const where = cursor === undefined ? {} : { id: { lt: cursor } }
      const rows = await runQuery(() =>
        client.token.findMany({ where, orderBy: { id: 'desc' }, take: limit, include })
      )
      return rows.map(toStoredToken)
    },
    insert: (token, event, made) => runQuery(() => insert(client, token, { event, made })),
    revoke: (id, event) =>
      runQuery(() => client.$transaction(transaction => revoke(transaction, id, event), transactionLimits)),
    rotate: (token, rotated, event) =>
      runQuery(() =>
        client.$transaction(async transaction => {
          const { count } = await transaction.token.updateMany({
            where: { id: token.id, revokedAt: null, secretSha256: new Uint8Array(token.secretSha256) },
            data: {
              secretSha256: new Uint8Array(rotated.secretSha256),
              previousSecretSha256: new Uint8Array(token.secretSha256),
              previousUntil: rotated.previousUntil,
              expiresAt: rotated.expiresAt ?? null
            }
          })
          if (count === 0) return false
          await insertAuditEvent(transaction, event)
          await transaction.$executeRawUnsafe(notifyStatement, revocationNotice)
          return true
        }, transactionLimits)
      ),
    async noteUse(uses) {
      const times = [...uses.values()].map(time => time.toISOString())
      await runQuery(
        () => client.$executeRaw`
          INSERT INTO token_use (token_id, last_used_at)
          SELECT * FROM unnest(${[...uses.keys()]}::uuid[], ${times}::timestamptz[])
          ON CONFLICT (token_id) DO UPDATE SET last_used_at = excluded.last_used_at
          WHERE token_use.last_used_at < excluded.last_used_at`
      )
    }
  }
}

async function findAll(client: Database['prisma'], ids: readonly string[]) {
  const rows = await runQuery(() => client.token.findMany({ where: { id: { in: [...ids] } }, include }))
  return new Map(rows.map(row => [row.id, toStoredToken(row)]))
}

interface Insertion {
  readonly event: AuditEvent
  readonly made: StationOfToken | undefined
}

async function insert(
  client: Database['prisma'],
  token: StoredToken,
  { event, made }: Insertion
): Promise<InsertOutcome> {
  try {
    return await client.$transaction(async transaction => {
      if (await isNameTaken(transaction, token)) return 'name-taken'
      if (made !== undefined) {
        await insertStation(transaction, made.station)
        await insertAuditEvent(transaction, made.event)
      }
      await transaction.token.create({ data: toRow(token) })
      await insertAuditEvent(transaction, event)
      return 'inserted'
    }, transactionLimits)
  } catch (error) {
    if (made !== undefined && isUniqueViolation(error, 'station_name_key')) return 'station-taken'
    throw error
  }
}

/** Of one name after the other, so that two at once do not both find it free. */
async function isNameTaken(
  transaction: Prisma.TransactionClient,
  { name, createdAt }: StoredToken
): Promise<boolean> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('token/' || ${name}, 0))`
  const valid = await transaction.token.findFirst({
    where: { name, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: createdAt } }] },
    select: { id: true }
  })
  return valid !== null
}

async function revoke(transaction: Prisma.TransactionClient, id: string, event: AuditEvent) {
  // Locked, so that two administrators cannot revoke each other's at once.
  const valid = await transaction.$queryRaw<{ id: string; role: Role; lasts: boolean }[]>`
    SELECT id, role::text AS role, expires_at IS NULL OR expires_at > ${event.createdAt} AS lasts FROM token
    WHERE (role = 'admin' OR id = ${id}::uuid) AND revoked_at IS NULL FOR UPDATE`
  const others = valid.filter(token => token.id !== id && token.lasts)
  const revoked = valid.find(token => token.id === id)
  await assertTokenStands(transaction, event)
  if (revoked === undefined) return 'not-found'
  if (others.length === 0 && revoked.role === 'admin') return 'last-admin'
  // Before the revocation: a token may revoke itself.
  await insertAuditEvent(transaction, event)
  await transaction.token.update({ where: { id }, data: { revokedAt: event.createdAt } })
  await transaction.$executeRawUnsafe(notifyStatement, revocationNotice)
  return 'revoked'
}

/** A token that is new. */
export function toRow({
  id,
  name,
  role,
  station,
  lines,
  createdAt,
  createdBy,
  expiresAt,
  secretSha256
}: StoredToken) {
  return {
    id,
    name,
    role,
    stationId: station?.id ?? null,
    lines: [...lines],
    createdAt,
    createdBy,
    expiresAt: expiresAt ?? null,
    secretSha256: new Uint8Array(secretSha256)
  }
}

function toStoredToken(row: TokenRow): StoredToken {
  const { id, name, role, lines, createdAt, createdBy, secretSha256 } = row
  const { station, expiresAt, revokedAt, previousSecretSha256, previousUntil, use } = row
  const hasPrevious = previousSecretSha256 !== null && previousUntil !== null
  return {
    ...{ id, name, role, lines, createdAt, createdBy, secretSha256 },
    station: station === null ? undefined : toStation(station),
    expiresAt: expiresAt ?? undefined,
    revokedAt: revokedAt ?? undefined,
    previous: hasPrevious ? { secretSha256: previousSecretSha256, until: previousUntil } : undefined,
    lastUsedAt: use?.lastUsedAt
  }
}
