import { buildAuditEvent } from '../../../audit/audit-event.ts'
import type { AuthorityStore } from '../../../authorities/authority-store.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { assertNamedGeneration } from '../named-generation.ts'
import type { AcknowledgeStore } from './acknowledge-store.ts'
import { type Acknowledging, mostAcknowledged } from './fleet.ts'

const shownFirst = 20

interface AcknowledgingDependencies {
  readonly store: AcknowledgeStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** Who says of many alarms what of them. */
export function createAcknowledging({
  store,
  authorities,
  clock,
  randomBytes
}: AcknowledgingDependencies): Acknowledging {
  return {
    async countAlarms(selection) {
      await assertNamedGeneration(authorities, selection.authority)
      const count = await store.count(selection, mostAcknowledged + 1)
      return {
        count: Math.min(count, mostAcknowledged),
        hasMore: count > mostAcknowledged,
        first: await store.select(selection, shownFirst)
      }
    },
    async acknowledgeAlarms(selection, expected, act) {
      await assertNamedGeneration(authorities, selection.authority)
      const at = clock()
      const { authority, registeredBefore, ...narrower } = selection
      const after = {
        ...narrower,
        ...(registeredBefore && { registeredBefore: registeredBefore.toISOString() }),
        count: expected
      }
      const what = { ...act, act: 'fleet.acknowledge', subject: `authority/${authority}`, after } as const
      const count = await store.acknowledge(selection, {
        at,
        by: act.actor,
        note: act.reason ?? null,
        expected,
        most: mostAcknowledged,
        event: buildAuditEvent(what, { time: at, randomBytes })
      })
      if (count !== expected) throw countChanged(count, expected)
      return count
    }
  }
}

function countChanged(count: number, expected: number): MintlineError {
  return new MintlineError(
    'fleet_finding_count_changed',
    `${count} alarms are selected now, not ${expected}: none is acknowledged. Send the same with "dryRun": true, look at what has changed, and send it with the count that it answers.`,
    { members: { count } }
  )
}
