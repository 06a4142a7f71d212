import { type Clock, PgBoss } from 'pg-boss'
import { connectionConfig } from '../database/connection.ts'
import { runQuery } from '../database/run-query.ts'
import { notifyStatement } from '../database/sessions/notifications.ts'
import type { Page } from '../sources/page.ts'
import type { Job, JobCounts, JobData, JobHandlers, JobKind, JobQuery } from './job.ts'
import { createJobStore, interrupted } from './job-store.ts'
import { concurrencyOf, jobKinds, noKey, takeOverSeconds, tickQueue } from './rules.ts'
import { createJobRun, type JobLog } from './run.ts'

export type { JobHandlers, JobKind } from './job.ts'

interface SendOptions {
  readonly key?: string
  /** A job that waits for its next try is taken up at once, too. Without it, it keeps its pause. */
  readonly now?: boolean
}

export interface JobQueue {
  /**
   * Durable when it resolves. A job with the same kind and key that waits, for its first try or the next one, is this
   * one; one that is under way is followed by this one.
   *
   * @throws MintlineError `database_unavailable`.
   */
  send<Kind extends JobKind>(kind: Kind, data: JobData[Kind], options?: SendOptions): Promise<void>
}

export interface JobService extends JobQueue {
  /** Newest first. @throws MintlineError `job_not_found` when `after` is not there any more. */
  list(query: JobQuery): Promise<Page<Job>>
  /** @throws MintlineError `job_not_found`. */
  find(id: string): Promise<Job>
  /** How many wait, run and have failed, by kind. */
  count(): Promise<JobCounts>
  /** Looks for jobs at once, which others may have sent: see `jobNotice`. */
  wake(): void
  /** Takes up no more, tells the jobs under way to come to an end and waits for them, but not longer than told. */
  close(): Promise<void>
}

interface JobWork {
  /**
   * What this process works on. Jobs of the other kinds wait for a process that does. A handler may send jobs itself.
   */
  readonly handlers: (jobs: JobQueue) => JobHandlers
  /**
   * Kind → cron expression: a job without data is sent then. Held in the database for all processes; kinds that this
   * one does not work on are taken out.
   */
  readonly schedules: { readonly [Kind in JobKind]?: string }
  /**
   * That no other process works on jobs, as who leads knows. What is found running at the start was in the hands of one
   * that is gone, and is begun anew at once.
   */
  readonly isAlone?: boolean
}

export interface JobQueueOptions {
  readonly connectionString: string
  /** Without it, this process sends jobs and does none. */
  readonly work?: JobWork
  readonly log: JobLog
  /** How long `close` waits. */
  readonly stopTimeoutMs: number
  /** How often a job whose process died is looked for. */
  readonly supervisionIntervalSeconds?: number
}

/** What is told to those who listen for changes when a job was sent. */
export const jobNotice = 'job'

const poolSize = 3
const pollingIntervalSeconds = 2
/** Cron runs on whole minutes; who asks each five seconds is late by little. */
const tickIntervalSeconds = 5
const quietMs = 60_000

/**
 * Jobs in PostgreSQL, in a schema of the library's own. Processes share the work. What fails is tried again with
 * growing pauses, and so is what a process that died had in hand: it is missed after `takeOverSeconds`. The schema must
 * be there: see job-schema.ts.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function createJobQueue(options: JobQueueOptions): Promise<JobService> {
  const { work, log, stopTimeoutMs, supervisionIntervalSeconds = takeOverSeconds / 2 } = options
  const boss = openBoss(options)
  const stopping = new AbortController()
  const workers = new Map<JobKind, string>()
  const recalling = new DisposableStack()

  async function send(kind: JobKind, data: object, { key, now = false }: SendOptions = {}): Promise<void> {
    // In seconds from now, as the database counts them.
    const target = { singletonKey: key ?? noKey, ...(now && { startAfter: 0 }) }
    await runQuery(() => boss.upsert(kind, data, target))
    // Who misses it finds the job soon.
    await boss.getDb().executeSql(notifyStatement, [jobNotice]).catch(nobodyToTell)
  }

  function wake(): void {
    if (stopping.signal.aborted) return
    for (const worker of workers.values()) boss.notifyWorker(worker)
  }

  async function close(): Promise<void> {
    stopping.abort()
    recalling.dispose()
    await boss.stop({ graceful: true, timeout: stopTimeoutMs })
  }

  async function start(): Promise<void> {
    await boss.start()
    if (work !== undefined) await startWorking(work)
  }

  async function startWorking({ handlers: handlersOf, schedules, isAlone }: JobWork): Promise<void> {
    const handlers = handlersOf({ send })
    if (isAlone === true) await takeOver(boss, send)
    recalling.defer(await keepRecalling(boss, supervisionIntervalSeconds))
    await defineSchedules(boss, kind => (handlers[kind] === undefined ? undefined : schedules[kind]))
    await boss.work<{ kind: JobKind }>(
      tickQueue,
      { pollingIntervalSeconds: tickIntervalSeconds },
      async jobs => {
        for (const { data } of jobs) await send(data.kind, {})
      }
    )
    for (const kind of jobKinds) {
      const run = createJobRun(kind, handlers, { log, stopping: stopping.signal })
      if (run === undefined) continue
      const settings = {
        perJobResults: true,
        pollingIntervalSeconds,
        localConcurrency: concurrencyOf[kind]
      } as const
      workers.set(kind, await boss.work(kind, settings, run))
    }
  }

  try {
    await runQuery(start)
  } catch (error) {
    await close().catch(nobodyToTell)
    throw error
  }
  const { list, find, count } = createJobStore(boss.getDb())
  return { send, wake, list, find, count, close }
}

const nobodyToTell = () => undefined

/** A crash in between leaves a job that failed once, and is tried again after its pause. */
async function takeOver(boss: PgBoss, send: JobQueue['send']): Promise<void> {
  for (const { id, kind, key, data } of await createJobStore(boss.getDb()).listRunning()) {
    await boss.fail(kind, id, interrupted)
    await send(kind, data as JobData[JobKind], { key, now: true })
  }
}

/** @returns what ends it. */
async function keepRecalling(boss: PgBoss, intervalSeconds: number): Promise<() => void> {
  const { recall } = createJobStore(boss.getDb())
  await recall()
  const timer = setInterval(() => void recall().catch(nobodyToTell), intervalSeconds * 1_000)
  return () => clearInterval(timer)
}

/**
 * The time at the start and what has gone by since. Where the clock of the machine was set back in the middle of a poll,
 * the queue would wait with the next one for as long.
 */
const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (task, milliseconds) => setTimeout(task, milliseconds),
  clearTimeout: timeout => clearTimeout(timeout as NodeJS.Timeout),
  setInterval: (task, milliseconds) => setInterval(task, milliseconds),
  clearInterval: interval => clearInterval(interval as NodeJS.Timeout)
}

function openBoss({
  connectionString,
  work,
  log,
  supervisionIntervalSeconds = takeOverSeconds / 2
}: JobQueueOptions): PgBoss {
  const pool = {
    ...connectionConfig(connectionString, 'jobs'),
    max: poolSize,
    // Ends the wait for a server that no longer answers at all.
    query_timeout: 60_000
  }
  const boss = new PgBoss({
    ...pool,
    clock: steadyClock,
    migrate: false,
    registerInstance: false,
    supervise: work !== undefined,
    schedule: work !== undefined,
    // No job waits for another one.
    flowIntervalSeconds: 3_600,
    superviseIntervalSeconds: supervisionIntervalSeconds,
    monitorIntervalSeconds: supervisionIntervalSeconds
  })
  // An 'error' event without a listener would end the process. While the database is away each poll has one.
  let quietUntil = 0
  boss.on('error', error => {
    if (performance.now() < quietUntil) return
    quietUntil = performance.now() + quietMs
    log.warn({ err: error }, 'the job queue met an error; it goes on (said once a minute)')
  })
  boss.on('warning', ({ message }) => log.warn({}, `job queue: ${message}`))
  return boss
}

async function defineSchedules(boss: PgBoss, cronOf: (kind: JobKind) => string | undefined): Promise<void> {
  for (const kind of jobKinds) {
    const cron = cronOf(kind)
    if (cron === undefined) await boss.unschedule(tickQueue, kind)
    else await boss.schedule(tickQueue, cron, { kind }, { key: kind })
  }
}
