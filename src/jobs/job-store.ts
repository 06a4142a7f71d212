import { runQuery } from '../database/run-query.ts'
import { type ErrorCode, errorCodes, MintlineError } from '../errors/mintline-error.ts'
import { type Page, pageOf } from '../sources/page.ts'
import type { Job, JobCounts, JobError, JobKind, JobQuery, JobState } from './job.ts'
import { jobKinds, longestPauseSeconds, noKey } from './rules.ts'

/** The library's own connection pool. */
export interface JobDatabase {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

export interface JobStore {
  list(query: JobQuery): Promise<Page<Job>>
  find(id: string): Promise<Job>
  count(): Promise<JobCounts>
  /** Those that a process has in hand, or had when it died. */
  listRunning(): Promise<readonly RunningJob[]>
  /**
   * What a clock that was far ahead has left behind does not count: a next try further ahead than any pause is now, and
   * what was last done in the future, such as a look at the schedules or a sign of life, was not done.
   */
  recall(): Promise<void>
}

interface RunningJob {
  readonly id: string
  readonly kind: JobKind
  readonly key: string
  readonly data: object
}

type StoredState = 'created' | 'retry' | 'active' | 'completed' | 'cancelled' | 'failed'

interface JobRow {
  readonly id: string
  readonly kind: JobKind
  readonly key: string
  readonly state: StoredState
  readonly attempts: number
  readonly createdAt: Date
  readonly nextTryAt: Date
  readonly endedAt: Date | null
  readonly output: unknown
}

const stateOf: Readonly<Record<StoredState, JobState>> = {
  created: 'waiting',
  retry: 'retrying',
  active: 'running',
  completed: 'done',
  cancelled: 'failed',
  failed: 'failed'
}

const selectJob = `
SELECT
  id, name AS kind, singleton_key AS key, state::text,
  CASE WHEN started_on IS NULL THEN 0 ELSE retry_count + 1 END AS attempts,
  created_on AS "createdAt", start_after AS "nextTryAt", completed_on AS "endedAt", output
FROM pgboss.job`

/** When the library last did each of its duties. It does none before so much time has gone by since. */
const stampsOf = {
  version: ['cron_on', 'bam_on', 'flow_on', 'reindex_on'],
  queue: ['monitor_on', 'monitor_claim_on', 'maintain_on']
} as const

/** A process may be told a time that is a little behind another's. */
const future = `now() + interval '1 minute'`

/** A job of a dead process with a sign of life in the future would not be missed until then. */
const forgetStatements = [
  ...Object.entries(stampsOf).map(([table, stamps]) => {
    const forgotten = stamps.map(
      stamp => `${stamp} = CASE WHEN ${stamp} > ${future} THEN NULL ELSE ${stamp} END`
    )
    return `UPDATE pgboss.${table} SET ${forgotten.join(', ')} WHERE greatest(${stamps.join(', ')}) > ${future}`
  }),
  `UPDATE pgboss.version SET monitor_backoff_on = NULL WHERE monitor_backoff_on > now() + interval '1 day'`,
  `UPDATE pgboss.job SET heartbeat_on = now(), started_on = least(started_on, now())
   WHERE state = 'active' AND heartbeat_on > ${future}`
]

/** The library lists one queue at a time, by age alone; so its table is read. */
export function createJobStore(database: JobDatabase): JobStore {
  async function query<Row>(text: string, values: unknown[]): Promise<readonly Row[]> {
    return (await runQuery(() => database.executeSql(text, values))).rows as Row[]
  }

  async function find(id: string): Promise<Job> {
    const [row] = await query<JobRow>(`${selectJob} WHERE id = $1 AND name = ANY($2)`, [id, jobKinds])
    if (row !== undefined) return toJob(row)
    throw new MintlineError('job_not_found', `There is no job with the id ${id}, or it ended long ago.`)
  }

  return {
    find,
    listRunning: () =>
      query<RunningJob>(
        `SELECT id, name AS kind, singleton_key AS key, data FROM pgboss.job
         WHERE name = ANY($1) AND state = 'active' ORDER BY created_on`,
        [jobKinds]
      ),
    async recall() {
      await query(
        `UPDATE pgboss.job SET start_after = now()
         WHERE name = ANY($1) AND state IN ('created', 'retry') AND start_after > now() + make_interval(secs => $2)`,
        [jobKinds, longestPauseSeconds]
      )
      for (const statement of forgetStatements) await query(statement, [])
    },
    async list({ state, kind, limit, after }) {
      const states = Object.entries(stateOf).flatMap(([stored, shown]) =>
        state === undefined || shown === state ? [stored] : []
      )
      if (after !== undefined) await find(after)
      const rows = await query<JobRow>(
        `${selectJob}
         WHERE name = ANY($1) AND state::text = ANY($2)
           AND ($3::uuid IS NULL OR (created_on, id) < (SELECT created_on, id FROM pgboss.job WHERE id = $3))
         ORDER BY created_on DESC, id DESC
         LIMIT $4`,
        // One more than asked for tells whether there is a next page.
        [kind === undefined ? jobKinds : [kind], states, after ?? null, limit + 1]
      )
      return pageOf(rows.map(toJob), { limit, cursorOf: ({ id }) => id })
    },
    async count() {
      const rows = await query<{ kind: JobKind; waiting: number; running: number; failed: number }>(
        `SELECT
           name AS kind,
           count(*) FILTER (WHERE state IN ('created', 'retry'))::int AS waiting,
           count(*) FILTER (WHERE state = 'active')::int AS running,
           count(*) FILTER (WHERE state = 'failed')::int AS failed
         FROM pgboss.job
         WHERE name = ANY($1) AND state IN ('created', 'retry', 'active', 'failed')
         GROUP BY name`,
        [jobKinds]
      )
      const none = { waiting: 0, running: 0, failed: 0 }
      return new Map(jobKinds.map(kind => [kind, rows.find(row => row.kind === kind) ?? none]))
    }
  }
}

function toJob({ id, kind, key, state, attempts, createdAt, nextTryAt, endedAt, output }: JobRow): Job {
  const isWaiting = state === 'created' || state === 'retry'
  return {
    id,
    kind,
    key: key === noKey ? undefined : key,
    state: stateOf[state],
    attempts,
    createdAt,
    nextTryAt: isWaiting ? nextTryAt : undefined,
    endedAt: endedAt ?? undefined,
    lastError: output === null || state === 'completed' ? undefined : toError(output)
  }
}

export const interrupted = {
  code: 'job_interrupted',
  detail: 'The process that ran it stopped, or it took too long.'
} as const satisfies JobError

/** What our own run left; anything else is the library's word for a job whose process is gone. */
function toError(output: unknown): JobError {
  const { code, detail } = output as Partial<Record<string, unknown>>
  return isErrorCode(code) && typeof detail === 'string' ? { code, detail } : interrupted
}

function isErrorCode(value: unknown): value is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(value)
}
