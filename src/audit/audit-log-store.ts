import type { Database } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { countOrEstimateRows } from '../database/planning/row-estimate.ts'
import { runQuery } from '../database/run-query.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { identifierBounds } from '../sources/identifier.ts'
import { pageBytes, pageOf } from '../sources/page.ts'
import type { AuditEntry, AuditLog, AuditQuery } from './audit-log.ts'

const columns = Prisma.sql`id::text, created_at AS "createdAt", actor, act, subject, before, after, reason,
  request_id AS "requestId", credential`

/** A row of a page, and the length of what was so before and after, which may be a whole profile. */
interface SizedEntry extends AuditEntry {
  readonly bytes: number
}

/** @param search what people look up with, which must not hold up the issuance path. */
export function createAuditLog(search: Database): AuditLog {
  const { prisma } = search
  return {
    async find(id) {
      const [entry] = await runQuery(
        () => prisma.$queryRaw<AuditEntry[]>`SELECT ${columns} FROM audit_event WHERE id = ${id}::uuid`
      )
      if (entry !== undefined) return entry
      throw new MintlineError(
        'audit_event_not_found',
        `There is no audit event ${id}. GET /v1/audit-events lists them.`
      )
    },
    async list(query) {
      const rows = await runQuery(() => prisma.$queryRaw<SizedEntry[]>(pageStatement(query)))
      const rule = {
        limit: query.limit,
        cursorOf: ({ id }: AuditEntry) => id,
        bytesOf: ({ bytes }: SizedEntry) => bytes
      }
      const { items, nextCursor } = pageOf(rows, rule)
      return { items: items.map(({ bytes, ...entry }) => entry), nextCursor }
    },
    estimate: query =>
      countOrEstimateRows(
        statement => runQuery(() => prisma.$queryRaw(statement)),
        Prisma.sql`SELECT FROM audit_event WHERE ${Prisma.join(conditionsOf(query), ' AND ')}`
      )
  }
}

/** One row more than the page, and nothing of before and after of those that a page has no room for. */
function pageStatement(query: AuditQuery): Prisma.Sql {
  const isWithin = Prisma.sql`(running <= ${pageBytes} OR running = bytes)`
  return Prisma.sql`
    WITH found AS (
      SELECT *, coalesce(octet_length(before::text), 0) + coalesce(octet_length(after::text), 0) AS bytes
      FROM audit_event WHERE ${Prisma.join(conditionsOf(query), ' AND ')}
      ORDER BY id DESC LIMIT ${query.limit + 1}
    ),
    sized AS (SELECT *, sum(bytes) OVER (ORDER BY id DESC)::int AS running FROM found)
    SELECT ${columns}, bytes FROM (
      SELECT id, created_at, actor, act, subject, reason, request_id, credential, bytes,
        CASE WHEN ${isWithin} THEN before END AS before, CASE WHEN ${isWithin} THEN after END AS after
      FROM sized
    ) AS bounded
    ORDER BY id DESC`
}

function conditionsOf({ actor, act, subject, credential, requestId, ...range }: AuditQuery): Prisma.Sql[] {
  const { first, end } = identifierBounds(range)
  return [
    Prisma.sql`true`,
    ...(first === undefined ? [] : [Prisma.sql`id >= ${first}::uuid`]),
    ...(end === undefined ? [] : [Prisma.sql`id < ${end}::uuid`]),
    ...(actor === undefined ? [] : [matches(Prisma.sql`actor`, actor)]),
    ...(act === undefined ? [] : [matches(Prisma.sql`act`, act)]),
    ...(subject === undefined ? [] : [matches(Prisma.sql`subject`, subject)]),
    ...(credential === undefined ? [] : [Prisma.sql`credential = ${credential}`]),
    ...(requestId === undefined ? [] : [Prisma.sql`request_id = ${requestId}`])
  ]
}

/** By octets, as the indexes are sorted. A pattern that is a parameter would find none of them; bounds do. */
function matches(column: Prisma.Sql, value: string): Prisma.Sql {
  const octets = Prisma.sql`${column} COLLATE "C"`
  if (!value.endsWith('*')) return Prisma.sql`${octets} = ${value}`
  const beginning = value.slice(0, -1)
  return Prisma.sql`${octets} >= ${beginning} AND ${octets} < ${beginning + lastCharacter}`
}

/** No text goes on with a greater one. */
const lastCharacter = '\u{10FFFF}'
