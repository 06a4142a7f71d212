import type { Database } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { runQuery } from '../database/run-query.ts'
import type { ErrorCode, Violation } from '../errors.ts'
import { firstIdentifierOf } from '../identifier.ts'
import type { PredictedThing } from '../jitp/prediction.ts'
import type { IssuanceQuery, Rejection } from './issuance-record.ts'

/** An intent as it is on record, with its certificate where there is one. */
export interface IntentRow {
  readonly id: string
  readonly requestedAt: Date
  readonly requestSha256: Uint8Array
  readonly tbsDer: Uint8Array
  readonly csrDer: Uint8Array
  readonly serialNumber: Uint8Array
  readonly station: string
  readonly profile: string
  readonly profileVersion: number
  readonly templateSha256: string
  readonly authorityId: string
  readonly metadata: Readonly<Record<string, string>>
  readonly requestId: string
  /** Null while the outcome is unknown. */
  readonly certificateDer: Uint8Array | null
  readonly issuedAt: Date | null
  readonly thing: PredictedThing | null
}

export interface EntryStore {
  findIntent(id: string): Promise<IntentRow | undefined>
  /** The intent that holds a key, whatever became of it. */
  findIntentByKey(spkiSha256: Uint8Array): Promise<IntentRow | undefined>
  findRejection(id: string): Promise<Rejection | undefined>
  /** Newest first, at most `limit` of each kind. */
  listIntents(query: IssuanceQuery): Promise<readonly IntentRow[]>
  listRejections(query: IssuanceQuery): Promise<readonly Rejection[]>
  /** How many intents wait for their record. */
  countOpenIntents(): Promise<number>
}

const intentColumns = Prisma.sql`
  intent.id, intent.created_at AS "requestedAt", intent.request_sha256 AS "requestSha256",
  intent.tbs_der AS "tbsDer", intent.csr_der AS "csrDer", intent.serial_number AS "serialNumber",
  intent.station, profile_version.name AS profile, profile_version.version AS "profileVersion",
  encode(profile_version.template_sha256, 'hex') AS "templateSha256",
  intent.authority_id AS "authorityId", intent.metadata, intent.request_id AS "requestId",
  issued.certificate_der AS "certificateDer", issued.issued_at AS "issuedAt", issued.thing`

const intentTables = Prisma.sql`
  intent
  JOIN profile_version ON profile_version.id = intent.profile_version_id
  LEFT JOIN issued ON issued.intent_id = intent.id`

export function createEntryStore(database: Database): EntryStore {
  const client = database.prisma
  const firstIntent = async (condition: Prisma.Sql): Promise<IntentRow | undefined> => {
    const [row] = await runQuery(
      () =>
        client.$queryRaw<IntentRow[]>`SELECT ${intentColumns} FROM ${intentTables} WHERE ${condition} LIMIT 1`
    )
    return row
  }
  return {
    findIntent: id => firstIntent(Prisma.sql`intent.id = ${id}::uuid`),
    findIntentByKey: spkiSha256 =>
      firstIntent(
        Prisma.sql`intent.id = (SELECT intent_id FROM certified_key WHERE spki_sha256 = ${spkiSha256})`
      ),
    async findRejection(id) {
      const row = await runQuery(() => client.rejection.findUnique({ where: { id } }))
      return row === null ? undefined : toRejection(row)
    },
    listIntents: query =>
      runQuery(
        () => client.$queryRaw<IntentRow[]>`
          SELECT ${intentColumns} FROM ${intentTables}
          WHERE ${Prisma.join(intentConditions(query), ' AND ')}
          ORDER BY intent.id DESC
          LIMIT ${query.limit}`
      ),
    async listRejections(query) {
      const { station, profile, authority } = query
      const rows = await runQuery(() =>
        client.rejection.findMany({
          where: {
            id: identifierRange(query),
            ...(station !== undefined && { station }),
            ...(profile !== undefined && { profileName: profile }),
            ...(authority !== undefined && { authorityName: authority })
          },
          orderBy: { id: 'desc' },
          take: query.limit
        })
      )
      return rows.map(toRejection)
    },
    countOpenIntents: () => runQuery(() => client.openIntent.count())
  }
}

function intentConditions(query: IssuanceQuery): Prisma.Sql[] {
  const conditions = [Prisma.sql`true`]
  const { gte, lt } = identifierRange(query)
  if (gte !== undefined) conditions.push(Prisma.sql`intent.id >= ${gte}::uuid`)
  if (lt !== undefined) conditions.push(Prisma.sql`intent.id < ${lt}::uuid`)
  if (query.serialNumber !== undefined) {
    conditions.push(Prisma.sql`intent.serial_number = ${Buffer.from(query.serialNumber, 'hex')}`)
  }
  if (query.certificateId !== undefined) {
    conditions.push(
      Prisma.sql`intent.id = (
        SELECT intent_id FROM issued WHERE certificate_id = ${Buffer.from(query.certificateId, 'hex')}
      )`
    )
  }
  if (query.station !== undefined) conditions.push(Prisma.sql`intent.station = ${query.station}`)
  if (query.profile !== undefined) {
    conditions.push(
      Prisma.sql`intent.profile_version_id IN (SELECT id FROM profile_version WHERE name = ${query.profile})`
    )
  }
  if (query.authority !== undefined) {
    conditions.push(
      Prisma.sql`intent.authority_id = (SELECT id FROM authority WHERE name = ${query.authority})`
    )
  }
  if (query.outcome === 'issued') conditions.push(Prisma.sql`issued.intent_id IS NOT NULL`)
  if (query.outcome === 'unknown') {
    conditions.push(Prisma.sql`intent.id IN (SELECT intent_id FROM open_intent)`)
  }
  return conditions
}

/** `from`, `to` and the cursor are all bounds on the id, which begins with the time. */
function identifierRange({ from, to, cursor }: IssuanceQuery): { gte?: string; lt?: string } {
  const upper = [cursor, to && firstIdentifierOf(to)].filter(bound => bound !== undefined).sort()
  return {
    ...(from !== undefined && { gte: firstIdentifierOf(from) }),
    ...(upper[0] !== undefined && { lt: upper[0] })
  }
}

interface StoredRejection {
  readonly id: string
  readonly createdAt: Date
  readonly code: string
  readonly detail: string
  readonly violations: unknown
  readonly csr: Uint8Array
  readonly station: string
  readonly profileName: string
  readonly profileVersion: number | null
  readonly authorityName: string | null
  readonly metadata: unknown
  readonly requestId: string
}

function toRejection(row: StoredRejection): Rejection {
  return {
    outcome: 'rejected',
    id: row.id,
    requestedAt: row.createdAt,
    code: row.code as ErrorCode,
    detail: row.detail,
    violations: row.violations as readonly Violation[],
    csr: row.csr,
    station: row.station,
    profile: row.profileName,
    profileVersion: row.profileVersion ?? undefined,
    authority: row.authorityName ?? undefined,
    metadata: row.metadata as Readonly<Record<string, string>>,
    requestId: row.requestId
  }
}
