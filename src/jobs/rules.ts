import type { JobKind } from './job.ts'

/** How a kind of job is tried again, and how long its jobs stay on show. All of pg-boss's own names. */
export interface JobRules {
  readonly retryLimit: number
  readonly retryDelay: number
  readonly retryBackoff: true
  readonly retryDelayMax: number
  /** The longest that one try may take. */
  readonly expireInSeconds: number
  readonly heartbeatSeconds: number
  /** How long a job may wait before it is given up. */
  readonly retentionSeconds: number
  /** How long a job that is over, well or not, can be seen. */
  readonly deleteAfterSeconds: number
}

const minutes = 60
const hours = 60 * minutes
const days = 24 * hours

/**
 * A process that works says so each half of this. Shorter would take jobs from one that merely pauses; with the
 * search for silent ones each half of it again, the job of a dead process is on its way to another within 35 seconds.
 */
export const takeOverSeconds = 20

/** No job is put off for longer; a minute more than the library's longest pause. */
export const longestPauseSeconds = 16 * minutes

/** Pauses of about 5, 10, 20 … seconds with some jitter, up to a quarter of an hour. */
const common = {
  retryDelay: 5,
  retryBackoff: true,
  retryDelayMax: 15 * minutes,
  expireInSeconds: 15 * minutes,
  heartbeatSeconds: takeOverSeconds,
  retentionSeconds: 90 * days
} as const

export const jobRules: Readonly<Record<JobKind, JobRules>> = {
  // Not given up as long as AWS is to be told.
  'aws-push.run': {
    ...common,
    retryLimit: 100_000,
    retryDelayMax: 5 * minutes,
    deleteAfterSeconds: 1 * hours
  },
  // Each minute brings another one.
  'aws-push.sweep': { ...common, retryLimit: 0, deleteAfterSeconds: 1 * hours },
  // About a day of tries.
  'aws-registration.reconcile': { ...common, retryLimit: 100, deleteAfterSeconds: 7 * days },
  'aws-registration.check': { ...common, retryLimit: 10, deleteAfterSeconds: 1 * days },
  // Each minute brings another one.
  'aws-registration.sweep': { ...common, retryLimit: 0, deleteAfterSeconds: 1 * hours },
  // There is a day for it, and three months' worth of them.
  'database.partitions': { ...common, retryLimit: 20, deleteAfterSeconds: 7 * days },
  // Each minute brings another one.
  'device-list.sweep': { ...common, retryLimit: 0, deleteAfterSeconds: 1 * hours },
  // The walk itself says when it is given up.
  'fleet.run': { ...common, retryLimit: 100_000, retryDelayMax: 5 * minutes, deleteAfterSeconds: 1 * days },
  // What AWS does not take for six hours is given up.
  'fleet.clean-up': {
    ...common,
    retryLimit: 100_000,
    retryDelayMax: 5 * minutes,
    deleteAfterSeconds: 1 * days
  },
  // Each minute brings another one.
  'fleet.judge': { ...common, retryLimit: 0, expireInSeconds: 2 * hours, deleteAfterSeconds: 1 * hours },
  'fleet.sweep': { ...common, retryLimit: 0, deleteAfterSeconds: 1 * hours },
  // Each minute brings another one. A long list takes hours.
  'export.run': { ...common, retryLimit: 100, expireInSeconds: 12 * hours, deleteAfterSeconds: 1 * hours },
  // Not given up as long as there is something to revoke.
  'revocation.run': { ...common, retryLimit: 100_000, deleteAfterSeconds: 7 * days },
  // Each minute brings another one.
  'revocation.sweep': { ...common, retryLimit: 0, deleteAfterSeconds: 1 * hours },
  // Not given up as long as events are owed.
  'webhook.deliver': { ...common, retryLimit: 100_000, deleteAfterSeconds: 1 * hours }
}

/**
 * How many jobs of a kind a process has in hand at once. A registration whose account does not answer holds on to its
 * job for a minute and more; the others go on beside it.
 */
export const concurrencyOf: Readonly<Record<JobKind, number>> = {
  'aws-push.run': 4,
  'aws-push.sweep': 1,
  'aws-registration.reconcile': 4,
  'aws-registration.check': 4,
  'aws-registration.sweep': 1,
  'database.partitions': 1,
  'device-list.sweep': 1,
  'export.run': 1,
  'fleet.run': 4,
  'fleet.clean-up': 4,
  'fleet.judge': 1,
  'fleet.sweep': 1,
  'revocation.run': 1,
  'revocation.sweep': 1,
  'webhook.deliver': 1
}

export const jobKinds = Object.keys(jobRules) as readonly JobKind[]

/** In the place of a key, for the jobs that need none: the library tells them apart by it. */
export const noKey = 'all'

/** What cron sends to. Its worker sends the job itself, so that the rule of one waiting job holds for it as well. */
export const tickQueue = 'tick'
