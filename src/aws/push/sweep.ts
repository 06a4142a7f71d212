import type { PushDependencies } from './dependencies.ts'
import { keyOf } from './run.ts'

/**
 * Sends a job for every account and region where something is due, so that nothing is lost between a row and its job.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function sweepPushes({
  progress,
  jobs
}: Pick<PushDependencies, 'progress' | 'jobs'>): Promise<void> {
  await progress.recall()
  for (const place of await progress.listDue()) await jobs.send('aws-push.run', place, { key: keyOf(place) })
}
