import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, type Prisma, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { ErrorCode } from '../errors/mintline-error.ts'
import type { Export, ExportedList, ExportState } from './export.ts'
import type { ExportFormat } from './formats/format.ts'

export interface ExportLimits {
  /** Not over, of one name and of all. */
  readonly openOfOne: number
  readonly open: number
  /** Kept, of one name. */
  readonly keptOfOne: number
}

export interface ExportQuery {
  /** Undefined: of everybody. */
  readonly createdBy: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Octets of a file, and where they begin in it. */
interface Chunk {
  readonly position: number
  readonly octets: Uint8Array
}

export interface ExportStore {
  /** @returns the limit that it would pass, if any. @throws MintlineError `token_invalid`. */
  create(made: Export, event: AuditEvent, limits: ExportLimits): Promise<keyof ExportLimits | undefined>
  find(id: string): Promise<Export | undefined>
  /** Newest first. */
  list(query: ExportQuery): Promise<readonly Export[]>
  /** What is on its way stops. @returns false where it is gone already. */
  remove(id: string, event: AuditEvent): Promise<boolean>
  /** Keeps the event of a reading unless one of the same actor is on record since then. */
  noteReading(event: AuditEvent, since: Date): Promise<void>
  /** The octets that hold the one at `offset`, of one that is done. Undefined: they are gone. */
  readChunk(id: string, offset: number): Promise<Chunk | undefined>
}

export function createExportStore({ prisma }: Database): ExportStore {
  return {
    create: (made, event, limits) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          // Of many that come at once, each sees those before it.
          await transaction.$queryRaw`SELECT pg_advisory_xact_lock(hashtext('export.create'))::text`
          const passed = await findPassedLimit(transaction, made.createdBy, limits)
          if (passed !== undefined) return passed
          await insertAuditEvent(transaction, event)
          await transaction.exportJob.create({ data: toRow(made) })
          return undefined
        }, transactionLimits)
      ),
    async find(id) {
      const row = await runQuery(() => prisma.exportJob.findFirst({ where: { id, ...isThere } }))
      return row === null ? undefined : toExport(row)
    },
    async list({ createdBy, limit, cursor }) {
      const where = {
        ...isThere,
        ...(createdBy !== undefined && { createdBy }),
        ...(cursor !== undefined && { id: { lt: cursor } })
      }
      const rows = await runQuery(() =>
        prisma.exportJob.findMany({ where, orderBy: { id: 'desc' }, take: limit })
      )
      return rows.map(toExport)
    },
    remove: (id, event) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const { count } = await transaction.exportJob.updateMany({
            where: { id, ...isThere },
            data: { state: 'removed' }
          })
          if (count > 0) await insertAuditEvent(transaction, event)
          return count > 0
        }, transactionLimits)
      ),
    noteReading: (event, since) =>
      runQuery(() =>
        prisma.$transaction(transaction => noteReading(transaction, event, since), transactionLimits)
      ),
    async readChunk(id, offset) {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ position: bigint; octets: Uint8Array }[]>`
          SELECT position, octets FROM export_chunk
          WHERE export_id = ${id}::uuid AND run = (SELECT run FROM export WHERE id = ${id}::uuid AND state = 'done')
            AND position <= ${offset}::bigint
          ORDER BY position DESC LIMIT 1`
      )
      return row && { position: Number(row.position), octets: row.octets }
    }
  }
}

const isThere = { state: { not: 'removed' } }

async function noteReading(
  transaction: Prisma.TransactionClient,
  event: AuditEvent,
  since: Date
): Promise<void> {
  const { actor, act, subject } = event
  const [noted] = await transaction.$queryRaw<unknown[]>`
    SELECT FROM audit_event WHERE subject COLLATE "C" = ${subject} AND actor = ${actor} AND act = ${act}
      AND created_at >= ${since.toISOString()}::timestamptz LIMIT 1`
  if (noted === undefined) await insertAuditEvent(transaction, event)
}

async function findPassedLimit(
  transaction: Prisma.TransactionClient,
  createdBy: string,
  limits: ExportLimits
): Promise<keyof ExportLimits | undefined> {
  const [counts] = await transaction.$queryRaw<Record<keyof ExportLimits, number>[]>`
    SELECT count(*) FILTER (WHERE state <> 'done' AND created_by = ${createdBy})::int AS "openOfOne",
      count(*) FILTER (WHERE created_by = ${createdBy})::int AS "keptOfOne",
      count(*) FILTER (WHERE state <> 'done')::int AS open
    FROM export WHERE state IN ('waiting', 'running', 'done')`
  const names = ['openOfOne', 'keptOfOne', 'open'] as const
  return names.find(name => (counts?.[name] ?? 0) >= limits[name])
}

type ExportRow = Prisma.ExportJobGetPayload<object>

function toRow({ id, of, format, filter, fields, lines, createdAt, createdBy }: Export) {
  return {
    id,
    of,
    format,
    filter: filter as Prisma.InputJsonObject,
    ...(fields && { fields: [...fields] }),
    ...(lines && { lines: [...lines] }),
    createdAt,
    createdBy
  }
}

export function toExport(row: ExportRow): Export {
  const { run, attempts, notBefore, code, detail, ...rest } = row
  return {
    ...rest,
    of: row.of as ExportedList,
    format: row.format as ExportFormat,
    state: row.state as ExportState,
    filter: row.filter as object,
    fields: (row.fields as readonly string[] | null) ?? undefined,
    lines: (row.lines as readonly string[] | null) ?? undefined,
    rows: Number(row.rows),
    aboutRows: row.aboutRows === null ? undefined : Number(row.aboutRows),
    octets: Number(row.octets),
    sha256: row.sha256 ?? undefined,
    begunAt: row.begunAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
    failure: code === null || detail === null ? undefined : { code: code as ErrorCode, detail }
  }
}
