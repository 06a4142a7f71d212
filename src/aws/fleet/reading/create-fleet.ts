import { buildAuditEvent } from '../../../audit/audit-event.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Clock } from '../../../sources/clock.ts'
import { readPage } from '../../../sources/page.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { type Acknowledging, countedMost, type Fleet } from './fleet.ts'
import type { FleetStore } from './fleet-store.ts'
import { describeFleet } from './standing.ts'

interface FleetReading {
  readonly store: FleetStore
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createFleet({ store, clock, randomBytes }: FleetReading): Omit<Fleet, keyof Acknowledging> {
  return {
    list: query => readPage(query, wanted => store.list(wanted)),
    summarize: () => store.summarize(countedMost),
    async acknowledge(id, act) {
      const at = clock()
      const finding = await store.acknowledge(id, {
        at,
        by: act.actor,
        note: act.reason ?? null,
        eventOf: ({ kind, authority, details }) =>
          buildAuditEvent(
            {
              ...act,
              act: 'fleet.acknowledge',
              subject: `authority/${authority}`,
              after: { finding: id, kind, ...details }
            },
            { time: at, randomBytes }
          )
      })
      if (finding !== undefined) return finding
      throw new MintlineError(
        'fleet_finding_not_found',
        `There is no alarm ${id}. GET /v1/fleet/findings?alarms=open lists them.`
      )
    },
    // It is asked every few seconds, by many, and needs no counts of kinds.
    examine: async () => describeFleet(await store.summarize(0))
  }
}
