import { buildAuditEvent, systemAct } from '../../../audit/audit-event.ts'
import type { AuthorityStore } from '../../../authorities/authority-store.ts'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { JobQueue } from '../../../jobs/queue.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { eachAtOnce } from '../../../sources/each-at-once.ts'
import { newId } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { hasBadCredentials } from '../../push/carrying-out.ts'
import type { CertificateAccesses } from '../../push/control/certificate-accesses.ts'
import type { WalkError } from '../reconciliation.ts'
import { findCas, keyOf, longestFailingSeconds } from '../runs/run.ts'
import { callsAtOnce } from '../walk/calls-at-once.ts'
import { cleanItem } from './clean-item.ts'
import type { ClaimedItem, ItemOutcome, ItemStore } from './item-store.ts'

export interface CleanUpDependencies {
  readonly items: ItemStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  /** The same that tell of revocations, so that both keep one pace. */
  readonly accesses: Pick<CertificateAccesses, 'open'>
  readonly jobs: Pick<JobQueue, 'send'>
  /** @throws MintlineError `clock_untrusted`. */
  readonly assertClock: () => Promise<void>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly stopwatch?: Stopwatch | undefined
}

/** Then others have their turn. */
const turnMs = 60_000
/** As many as are asked of at once. */
const claimedAtOnce = 10
const leaseMs = 60_000
/** Begun at once with its claim, it is over before that is. */
const itemMs = 50_000

/**
 * Deletes what waits for that in one account and region, as far as a turn goes. One that AWS does not answer for comes behind the
 * others, and keeps none of them back.
 *
 * @param signal ends it after the calls under way.
 * @throws MintlineError what keeps AWS from being asked of any, which is kept with all that wait; the job is tried again.
 */
export async function runCleanUps(
  dependencies: CleanUpDependencies,
  place: AwsPlace,
  signal: AbortSignal
): Promise<void> {
  const { items, jobs, clock, randomBytes, stopwatch = systemStopwatch } = dependencies
  const endMs = stopwatch() + turnMs
  const run = newId(clock(), randomBytes)
  const clean = await openCleaning(dependencies, place, run)
  try {
    while (!signal.aborted) {
      // What a process that died has claimed is for the sweep of the next minute.
      const claimed = await items.claim(place, { run, limit: claimedAtOnce, leaseMs })
      if (claimed.length === 0) break
      const failed = (await eachAtOnce(claimed, callsAtOnce, clean)).filter(each => each !== undefined)
      const interrupted = failed.find(({ cause }) => isMintlineError(cause, 'job_interrupted'))
      if (interrupted !== undefined) throw interrupted.cause
      // Where AWS answers for some, it is there.
      if (failed.length < claimed.length) await items.recover(place)
      for (const { item, cause } of failed) await items.putBack(item, run, describe(cause))
      if (failed.length === claimed.length) throw failed[0]!.cause
      if (stopwatch() >= endMs) {
        await jobs.send('fleet.clean-up', place, { key: keyOf(place) })
        break
      }
    }
  } catch (error) {
    await items.release(run)
    if (!signal.aborted && !isMintlineError(error, 'job_interrupted'))
      await items.postpone(place, describe(error), longestFailingSeconds)
    throw error
  } finally {
    await finishCleanUps(dependencies)
  }
}

/** Sends the jobs of what waits, so that nothing is lost between a row and its job. */
export async function sweepCleanUps(dependencies: CleanUpDependencies): Promise<void> {
  const { items, jobs } = dependencies
  for (const place of await items.listPlaces())
    await jobs.send('fleet.clean-up', place, { key: keyOf(place) })
  await finishCleanUps(dependencies)
}

async function openCleaning(
  { items, authorities, accesses, assertClock, clock }: CleanUpDependencies,
  place: AwsPlace,
  run: string
): Promise<(item: ClaimedItem) => Promise<Unanswered | undefined>> {
  const cas = await findCas({ authorities })
  const account = await items.findAccount(place)
  const clean = async (item: ClaimedItem) => {
    const controls = await accesses.open(place, account)
    const cleaning = {
      store: items,
      control: controls.within(itemMs),
      caCertificateId: cas.get(item.authorityId),
      assertClock,
      now: clock()
    }
    await items.settle(item, run, await cleanItem(cleaning, item).catch(failureOf))
    return undefined
  }
  return item => clean(item).catch((cause: unknown) => ({ item, cause }))
}

/** One that is tried again. */
interface Unanswered {
  readonly item: ClaimedItem
  readonly cause: unknown
}

/** What AWS refuses of one alone. @throws what it refuses of all, and where it does not answer. */
function failureOf(error: unknown): ItemOutcome {
  if (!isMintlineError(error, 'aws_refused') || hasBadCredentials(error)) throw error
  return { state: 'failed', detail: describe(error) }
}

function describe(error: unknown): WalkError {
  if (isMintlineError(error)) return { code: error.code, detail: error.detail }
  return { code: 'internal_error', detail: 'It failed for an unexpected reason; the log of the job has it.' }
}

async function finishCleanUps({
  items,
  clock,
  randomBytes
}: Pick<CleanUpDependencies, 'items' | 'clock' | 'randomBytes'>): Promise<void> {
  const time = clock()
  await items.finish(time, (id, counts) =>
    buildAuditEvent(
      { ...systemAct, act: 'fleet.clean_up_finish', subject: `fleet/${id}`, after: { ...counts } },
      { time, randomBytes }
    )
  )
}
