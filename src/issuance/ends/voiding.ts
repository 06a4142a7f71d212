import { type Act, buildAuditEvent } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { UnknownRecord, VoidRecord } from '../../records/record.ts'
import type { Records } from '../../records/records.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { VoidStore } from './void-store.ts'

export interface Voiding {
  /**
   * Ends an intent that has no certificate on record: a damaged one, or one that cannot be completed any more. It is
   * never signed after that, and its device and key are free. The same again changes nothing.
   *
   * @param act with its reason.
   * @returns the record.
   * @throws MintlineError `issuance_not_found`; `issuance_not_open` for an issued certificate or a refusal.
   */
  declareVoid(id: string, act: Act & { readonly reason: string }): Promise<VoidRecord>
}

export interface VoidingDependencies {
  readonly store: VoidStore
  readonly records: Pick<Records, 'find'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createVoiding({ store, records, clock, randomBytes }: VoidingDependencies): Voiding {
  return {
    async declareVoid(id, act) {
      const before = await records.find(id)
      if (before.outcome === 'void') return before
      if (before.outcome === 'rejected') throw notOpen(id, 'a refusal: nothing was signed or will be')
      if (before.outcome === 'issued') throw notOpen(id, 'issued: its certificate may be in use')
      const time = clock()
      const { actor, reason } = act
      const event = buildAuditEvent(
        {
          ...act,
          act: 'issuance.void',
          subject: `issuance/${id}`,
          before: { ...factsOf(before), state: 'unknown' },
          after: { state: 'void' }
        },
        { time, randomBytes }
      )
      await store.insert({ intentId: id, createdAt: time, actor, reason }, event)
      const after = await records.find(id)
      if (after.outcome === 'void') return after
      throw notOpen(id, `${after.outcome} by now`)
    }
  }
}

/** What its device and key are free of from now on. */
function factsOf({ serialNumber, authority, profile, station }: UnknownRecord): object {
  return { serialNumber, authority, profile, station }
}

function notOpen(id: string, what: string): MintlineError {
  return new MintlineError(
    'issuance_not_open',
    `The record ${id} is ${what}. Only an intent without a certificate can be declared void.`
  )
}
