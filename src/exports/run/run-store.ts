import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { Export } from '../export.ts'
import { toExport } from '../export-store.ts'

/** A try at an export. What another try has written is not of it. */
export interface Run {
  readonly exportId: string
  readonly run: string
}

interface Progress {
  /** Of the file, with these. */
  readonly rows: number
  readonly octets: number
}

/** What a run writes. Each says false where the export is not in its hands any more: it is removed, or begun anew elsewhere. */
export interface RunStore {
  /** The oldest that is not over, and not to be made later alone. */
  findNext(time: Date): Promise<Export | undefined>
  /** What was written of it before is passed over from now on. @returns how often it was begun, with this; undefined where it is over. */
  begin(run: Run, time: Date): Promise<number | undefined>
  tellAbout(run: Run, rows: number): Promise<boolean>
  /** A crash leaves all of the octets with their progress, or nothing. */
  append(run: Run, octets: Uint8Array, progress: Progress): Promise<boolean>
  /** With it the file is there. */
  finish(run: Run, end: Written & Ended): Promise<boolean>
  /** It waits again, at least until then; the try does not count. */
  postpone(run: Run, until: Date): Promise<boolean>
  fail(run: Run, end: { readonly code: ErrorCode; readonly detail: string } & Ended): Promise<boolean>
  /** Octets of all files that are kept. */
  measure(): Promise<number>
  /** What is over by then has no file any more. */
  expire(time: Date): Promise<void>
  /** Takes away some of what belongs to no file. @returns whether there is more. */
  sweep(forgetBefore: Date): Promise<boolean>
}

/** A file that is whole. */
export interface Written {
  readonly sha256: Uint8Array
  readonly detachedMonths: readonly string[]
}

interface Ended {
  readonly endedAt: Date
  readonly expiresAt: Date
}

/** Some tens of MiB. */
const chunksAtOnce = 64

export function createRunStore({ prisma }: Database): RunStore {
  const change = async (
    { exportId, run }: Run,
    data: Parameters<typeof prisma.exportJob.updateMany>[0]['data']
  ): Promise<boolean> => {
    const where = { id: exportId, run, state: 'running' }
    return (await runQuery(() => prisma.exportJob.updateMany({ where, data }))).count > 0
  }
  return {
    async findNext(time) {
      const isDue = { OR: [{ notBefore: null }, { notBefore: { lte: time } }] }
      const where = { state: { in: ['waiting', 'running'] }, ...isDue }
      const row = await runQuery(() => prisma.exportJob.findFirst({ where, orderBy: { id: 'asc' } }))
      return row === null ? undefined : toExport(row)
    },
    async begin({ exportId, run }, time) {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ attempts: number }[]>`
          UPDATE export SET state = 'running', run = ${run}::uuid, attempts = attempts + 1, rows = 0, octets = 0,
            begun_at = ${time.toISOString()}::timestamptz
          WHERE id = ${exportId}::uuid AND state IN ('waiting', 'running')
          RETURNING attempts`
      )
      return row?.attempts
    },
    tellAbout: (run, rows) => change(run, { aboutRows: rows }),
    append: (run, octets, progress) => runQuery(() => append(prisma, run, { octets, progress })),
    finish: (run, { sha256, detachedMonths, ...ended }) =>
      change(run, {
        state: 'done',
        sha256: Buffer.from(sha256),
        detachedMonths: [...detachedMonths],
        ...ended
      }),
    postpone: (run, until) =>
      change(run, {
        ...{ state: 'waiting', run: null, begunAt: null, notBefore: until },
        ...{ attempts: { decrement: 1 }, rows: 0, octets: 0 }
      }),
    fail: (run, failed) => change(run, { state: 'failed', ...failed }),
    async measure() {
      const where = { state: { in: ['running', 'done'] } }
      const { _sum } = await runQuery(() => prisma.exportJob.aggregate({ where, _sum: { octets: true } }))
      return Number(_sum.octets ?? 0)
    },
    async expire(time) {
      const where = { state: { in: ['done', 'failed'] }, expiresAt: { lte: time } }
      await runQuery(() => prisma.exportJob.updateMany({ where, data: { state: 'expired' } }))
    },
    sweep: forgetBefore => runQuery(() => sweep(prisma, forgetBefore))
  }
}

interface Appended {
  readonly octets: Parameters<RunStore['append']>[1]
  readonly progress: Parameters<RunStore['append']>[2]
}

/** @returns whether the run goes on. */
async function append(
  prisma: Database['prisma'],
  { exportId, run }: Run,
  { octets, progress }: Appended
): Promise<boolean> {
  const before = progress.octets - octets.length
  const count = await prisma.$executeRaw`
    WITH running AS (
      UPDATE export SET rows = ${progress.rows}::bigint, octets = ${progress.octets}::bigint
      WHERE id = ${exportId}::uuid AND run = ${run}::uuid AND state = 'running'
      RETURNING id, run
    )
    INSERT INTO export_chunk (export_id, run, position, octets)
    SELECT id, run, ${before}::bigint, ${octets} FROM running`
  return count > 0
}

/** The octets go first: a crash leaves none without their export. */
async function sweep(prisma: Database['prisma'], forgetBefore: Date): Promise<boolean> {
  const chunks = await prisma.$executeRaw`
    DELETE FROM export_chunk WHERE (export_id, run, position) IN (
      SELECT chunk.export_id, chunk.run, chunk.position FROM export_chunk AS chunk JOIN export ON export.id = export_id
      WHERE export.state IN ('failed', 'expired', 'removed') OR chunk.run IS DISTINCT FROM export.run
      LIMIT ${chunksAtOnce}
    )`
  if (chunks > 0) return true
  await prisma.$executeRaw`
    DELETE FROM export
    WHERE (state = 'removed' OR (state = 'expired' AND expires_at < ${forgetBefore.toISOString()}::timestamptz))
      AND NOT EXISTS (SELECT FROM export_chunk WHERE export_id = export.id)`
  return false
}
