import type { ErrorCode } from '../errors/mintline-error.ts'

/** What is done later and must survive a crash or an outage. */
export interface JobData {
  /** Brings one registration to what was asked for, and reads it back; `outOfTurn`, whatever other places have got. */
  readonly 'aws-registration.reconcile': { readonly registrationId: string; readonly outOfTurn?: boolean }
  /** Tells one account and region of AWS of certificates that are revoked or on hold. */
  readonly 'aws-push.run': { readonly accountAlias: string; readonly region: string }
  /** Finds the accounts and regions that are to be told. */
  readonly 'aws-push.sweep': Readonly<Record<never, never>>
  /** Reads one registration back, and changes nothing at AWS. */
  readonly 'aws-registration.check': { readonly registrationId: string }
  /** Finds the registrations that are due for one of the above. */
  readonly 'aws-registration.sweep': Readonly<Record<never, never>>
  /** Looks at what one account and region of AWS holds of the certificates of each CA. */
  readonly 'fleet.run': { readonly accountAlias: string; readonly region: string }
  /** Looks at CAs as a whole once their registrations have been looked at, and ends the look. */
  readonly 'fleet.judge': Readonly<Record<never, never>>
  /** Deletes in one account and region of AWS what orders to clean up are about. */
  readonly 'fleet.clean-up': { readonly accountAlias: string; readonly region: string }
  /** Begins a look at the fleet that is due, and finds the accounts and regions where one, or a clean-up, goes on. */
  readonly 'fleet.sweep': Readonly<Record<never, never>>
  /** Makes the partitions of the months to come. */
  readonly 'database.partitions': Readonly<Record<never, never>>
  /** Takes away lists of devices that no lot has any more. */
  readonly 'device-list.sweep': Readonly<Record<never, never>>
  /** Makes the exports that wait, and takes away those that have expired. */
  readonly 'export.run': Readonly<Record<never, never>>
  /** Carries out one order to revoke many. */
  readonly 'revocation.run': { readonly orderId: string }
  /** Writes what has ended by itself, tells of what will, and finds orders to revoke that nobody carries out. */
  readonly 'revocation.sweep': Readonly<Record<never, never>>
  /** Sends the events that wait to the webhook. */
  readonly 'webhook.deliver': Readonly<Record<never, never>>
}

export type JobKind = keyof JobData

/**
 * What is done for a job. It may run again for the same job: after a failure, and after a crash at any point. What it
 * throws is logged, and `code` and `detail` of a MintlineError are kept with the job.
 *
 * `signal` is aborted when the service begins to stop, or the job's time is over: finish the step in hand, and
 * return or throw. A job that returned is done.
 */
export type JobHandlers = {
  readonly [Kind in JobKind]?: (data: JobData[Kind], signal: AbortSignal) => Promise<void>
}

/** Thrown by a handler: what was to be done was refused, and trying the same again does not help. */
export class JobRefusal extends Error {
  /** @param cause why, as it is logged and kept with the job. */
  constructor(cause: unknown) {
    super('the work of a job was refused', { cause })
  }
}

/**
 * - `waiting`: not begun yet.
 * - `running`: in the hands of a process.
 * - `retrying`: failed, and waits for its next try.
 * - `done`, `failed`: over. A failed one has used up its tries, or was refused.
 */
export const jobStates = ['waiting', 'running', 'retrying', 'done', 'failed'] as const
export type JobState = (typeof jobStates)[number]

/** A job as it is shown. */
export interface Job {
  readonly id: string
  readonly kind: JobKind
  /** What it is about, where there can be several of its kind. */
  readonly key: string | undefined
  readonly state: JobState
  /** How often it was begun. */
  readonly attempts: number
  readonly createdAt: Date
  /** Not before then; for jobs that wait. */
  readonly nextTryAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly lastError: JobError | undefined
}

export interface JobError {
  readonly code: ErrorCode
  readonly detail: string
}

export interface JobQuery {
  readonly state?: JobState
  readonly kind?: JobKind
  readonly limit: number
  /** The id of the last job of the page before. */
  readonly after?: string | undefined
}

export type JobCounts = ReadonlyMap<JobKind, Readonly<Record<'waiting' | 'running' | 'failed', number>>>
