import { buildAuditEvent } from '../../../audit/audit-event.ts'
import type { AuthorityStore } from '../../../authorities/authority-store.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { JobQueue } from '../../../jobs/queue.ts'
import type { Clock } from '../../../sources/clock.ts'
import { newId } from '../../../sources/identifier.ts'
import { readPage } from '../../../sources/page.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { assertNamedGeneration } from '../named-generation.ts'
import { type CleanUps, type CleanUpSelection, mostAtOnce } from './clean-up.ts'
import type { CleanUpStore } from './clean-up-store.ts'

interface CleanUpsDependencies {
  readonly store: CleanUpStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const shownFirst = 20

export function createCleanUps({
  store,
  authorities,
  jobs,
  clock,
  randomBytes
}: CleanUpsDependencies): CleanUps {
  async function find(id: string) {
    const found = await store.find(id)
    if (found !== undefined) return found
    throw new MintlineError(
      'fleet_clean_up_not_found',
      `There is no clean-up ${id}. GET /v1/fleet/clean-ups lists those that are kept.`
    )
  }
  return {
    find,
    async count(selection) {
      await assertNamed(authorities, selection)
      const { count, mayBeLeft } = await store.count(selection, mostAtOnce + 1)
      return {
        count: Math.min(count, mostAtOnce),
        mayBeLeft: Math.min(mayBeLeft, mostAtOnce),
        hasMore: count > mostAtOnce,
        first: await store.select(selection, shownFirst)
      }
    },
    async place(selection, expected, act) {
      await assertNamed(authorities, selection)
      const createdAt = clock()
      const id = newId(createdAt, randomBytes)
      const { actor, reason: note } = act
      const what = {
        ...act,
        act: 'fleet.clean_up',
        subject: `fleet/${id}`,
        after: { ...selection, expectedCount: expected }
      } as const
      const event = buildAuditEvent(what, { time: createdAt, randomBytes })
      const changed = await store.insert(
        { id, createdAt, actor, note, selection, expected },
        event,
        mostAtOnce
      )
      if (changed !== undefined) throw countChanged(changed, expected)
      // A crash before this leaves it to the sweep of the next minute.
      await jobs.send('fleet.sweep', {})
      return find(id)
    },
    list: query => readPage(query, wanted => store.list(wanted))
  }
}

async function assertNamed(
  authorities: CleanUpsDependencies['authorities'],
  { authority }: CleanUpSelection
): Promise<void> {
  if (authority !== undefined) await assertNamedGeneration(authorities, authority)
}

function countChanged(count: number, expected: number): MintlineError {
  return new MintlineError(
    'fleet_clean_up_count_changed',
    `${count} are to be deleted now, not ${expected}: nothing is deleted. Send the same with "dryRun": true, look at what has changed, and send the order with the count that it answers.`,
    { members: { count } }
  )
}
