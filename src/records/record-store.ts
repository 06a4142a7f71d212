import type { Database } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { runQuery } from '../database/run-query.ts'
import type { ErrorCode, Violation } from '../errors/mintline-error.ts'
import type { PredictedThing } from '../jitp/evaluation/prediction.ts'
import { type Durable, vouchDurable } from '../signing/durable.ts'
import { firstIdentifierOf } from '../sources/identifier.ts'
import type { IssuanceQuery, Refusal } from './record.ts'

/** An intent as it is on record, with its certificate where there is one. */
export interface IntentRow {
  readonly id: string
  readonly createdAt: Date
  readonly requestSha256: Uint8Array
  readonly spkiSha256: Uint8Array
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

export interface RecordStore {
  findIntent(id: string): Promise<Durable<IntentRow> | undefined>
  /** The latest intent with this key, unless it is void. */
  findIntentByKey(spkiSha256: Uint8Array): Promise<Durable<IntentRow> | undefined>
  findRefusal(id: string): Promise<Refusal | undefined>
  /** Newest first, at most `limit` of each kind. */
  listIntents(query: IssuanceQuery): Promise<readonly IntentRow[]>
  listRefusals(query: IssuanceQuery): Promise<readonly Refusal[]>
  /** How many intents wait for their record. */
  countOpenIntents(): Promise<number>
}

const intentColumns = Prisma.sql`
  intent.id, intent.created_at AS "createdAt", intent.request_sha256 AS "requestSha256",
  intent.spki_sha256 AS "spkiSha256",
  intent.tbs_der AS "tbsDer", intent.csr_der AS "csrDer", intent.serial_number AS "serialNumber",
  intent.station, profile_version.name AS profile, profile_version.version AS "profileVersion",
  encode(profile_version.template_sha256, 'hex') AS "templateSha256",
  intent.authority_id AS "authorityId", intent.metadata, intent.request_id AS "requestId",
  issued.certificate_der AS "certificateDer", issued.issued_at AS "issuedAt", issued.thing`

const intentTables = Prisma.sql`
  intent
  JOIN profile_version ON profile_version.id = intent.profile_version_id
  LEFT JOIN issued ON issued.intent_id = intent.id`

/**
 * @param database for what the issuance path looks up.
 * @param search for what people look up, which must not hold up the issuance path.
 */
export function createRecordStore(database: Database, search: Database): RecordStore {
  const client = database.prisma
  const firstIntent = async (condition: Prisma.Sql): Promise<Durable<IntentRow> | undefined> => {
    const [row] = await runQuery(
      () =>
        client.$queryRaw<IntentRow[]>`SELECT ${intentColumns} FROM ${intentTables} WHERE ${condition} LIMIT 1`
    )
    return row && vouchDurable(row)
  }
  return {
    findIntent: id => firstIntent(Prisma.sql`intent.id = ${id}::uuid`),
    findIntentByKey: spkiSha256 =>
      firstIntent(
        Prisma.sql`intent.id = (
          SELECT id FROM certified_key AS key
          JOIN certified_device USING (device_sha256)
          JOIN intent AS use ON use.id = certified_device.intent_id AND use.spki_sha256 = key.spki_sha256
          WHERE key.spki_sha256 = ${spkiSha256}
          ORDER BY key.occurrence DESC, certified_device.occurrence DESC LIMIT 1
        )
        AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = intent.id)`
      ),
    async findRefusal(id) {
      const row = await runQuery(() => client.refusal.findUnique({ where: { id } }))
      return row === null ? undefined : toRefusal(row)
    },
    async listIntents(query) {
      // Resolved first, so that the plan is made for the rows that are meant; and what is not there has no rows.
      const [profileIds, authorityIds] = await Promise.all([
        query.profile === undefined ? undefined : idsOf(search.prisma.profileVersion, query.profile),
        query.authority === undefined ? undefined : idsOf(search.prisma.authority, query.authority)
      ])
      if (profileIds?.length === 0 || authorityIds?.length === 0) return []
      const conditions = intentConditions(query, profileIds, authorityIds)
      return runQuery(
        () => search.prisma.$queryRaw<IntentRow[]>`
          SELECT ${intentColumns} FROM ${intentTables}
          WHERE ${Prisma.join(conditions, ' AND ')}
          ORDER BY intent.id DESC
          LIMIT ${query.limit}`
      )
    },
    async listRefusals(query) {
      const { station, profile, authority } = query
      const rows = await runQuery(() =>
        search.prisma.refusal.findMany({
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
      return rows.map(toRefusal)
    },
    countOpenIntents: () => runQuery(() => client.openIntent.count())
  }
}

interface NamedRows {
  findMany(query: { where: { name: string }; select: { id: true } }): PromiseLike<readonly { id: string }[]>
}

async function idsOf(table: NamedRows, name: string): Promise<readonly string[]> {
  return (await runQuery(() => table.findMany({ where: { name }, select: { id: true } }))).map(({ id }) => id)
}

function intentConditions(
  query: IssuanceQuery,
  profileIds: readonly string[] | undefined,
  authorityIds: readonly string[] | undefined
): Prisma.Sql[] {
  const conditions = [Prisma.sql`true`]
  const { gte, lt } = identifierRange(query)
  if (gte !== undefined) conditions.push(Prisma.sql`intent.id >= ${gte}::uuid`)
  if (lt !== undefined) conditions.push(Prisma.sql`intent.id < ${lt}::uuid`)
  if (query.serialNumber !== undefined) {
    conditions.push(
      Prisma.sql`intent.id = (
        SELECT intent_id FROM certified_serial WHERE serial_number = ${Buffer.from(query.serialNumber, 'hex')}
      )`
    )
  }
  if (query.certificateId !== undefined) {
    conditions.push(
      Prisma.sql`intent.id = (
        SELECT intent_id FROM certified_id WHERE certificate_id = ${Buffer.from(query.certificateId, 'hex')}
      )`
    )
  }
  if (query.station !== undefined) conditions.push(Prisma.sql`intent.station = ${query.station}`)
  if (profileIds !== undefined)
    conditions.push(Prisma.sql`intent.profile_version_id = ANY(${profileIds}::uuid[])`)
  if (authorityIds !== undefined)
    conditions.push(Prisma.sql`intent.authority_id = ANY(${authorityIds}::uuid[])`)
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

interface StoredRefusal {
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

function toRefusal(row: StoredRefusal): Refusal {
  return {
    outcome: 'rejected',
    id: row.id,
    createdAt: row.createdAt,
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
