import type { Job, JobResult } from 'pg-boss'
import { isMintlineError } from '../errors/mintline-error.ts'
import { type JobData, type JobError, type JobHandlers, type JobKind, JobRefusal } from './job.ts'

export interface JobLog {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

export interface JobRunOptions {
  readonly log: JobLog
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal
}

/**
 * What a worker of the library does with the one job that it took. It never throws: the library would keep the error
 * with stack and causes, and what is kept with a job is shown.
 */
export function createJobRun<Kind extends JobKind>(
  kind: Kind,
  handlers: JobHandlers,
  { log, stopping }: JobRunOptions
): ((jobs: Job<JobData[Kind]>[]) => Promise<JobResult[]>) | undefined {
  const handle = handlers[kind] as ((data: JobData[Kind], signal: AbortSignal) => Promise<void>) | undefined
  if (handle === undefined) return undefined

  async function run({ id, data, retryCount, signal }: Job<JobData[Kind]>): Promise<JobResult> {
    try {
      await handle?.(data, AbortSignal.any([signal, stopping]))
      return { id, status: 'completed' }
    } catch (thrown) {
      const isRefused = thrown instanceof JobRefusal
      const error = isRefused ? thrown.cause : thrown
      log.warn({ err: error, jobId: id, job: kind, attempt: retryCount + 1 }, 'a job failed')
      // The library's word for a failure that is not tried again; no queue here has one for dead letters.
      return { id, status: isRefused ? 'deadletter' : 'failed', output: describeError(error) }
    }
  }

  return jobs => Promise.all(jobs.map(run))
}

function describeError(error: unknown): JobError {
  return isMintlineError(error)
    ? { code: error.code, detail: error.detail }
    : { code: 'internal_error', detail: 'It failed for an unexpected reason; the log has it under this id.' }
}
