import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { Refusal } from '../record.ts'
import type { Records } from '../records.ts'
import type { PurgeStore } from './purge-store.ts'

export interface Purging {
  /**
   * Blanks what was sent with a refused request: the CSR or whatever it was, the metadata, and the detail and violations,
   * which may quote it. What stays: who asked when for which profile, the code, and the length and hash of what was sent.
   * The same again changes nothing.
   *
   * @param act with its reason.
   * @returns the record.
   * @throws MintlineError `issuance_not_found`; `issuance_not_rejected` for an issuance.
   */
  purge(id: string, act: Act & { readonly reason: string }): Promise<Refusal>
}

export interface PurgingDependencies {
  readonly store: PurgeStore
  readonly records: Pick<Records, 'find'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createPurging({ store, records, clock, randomBytes }: PurgingDependencies): Purging {
  async function findRefusal(id: string): Promise<Refusal> {
    const record = await records.find(id)
    if (record.outcome === 'rejected') return record
    throw new MintlineError(
      'issuance_not_rejected',
      `The record ${id} is no refusal but ${record.outcome}. Only what was sent with a refused request can be purged.`
    )
  }

  return {
    async purge(id, act) {
      const { code, station } = await findRefusal(id)
      const time = clock()
      const what: ToldAct = {
        ...act,
        act: 'refusal.purge',
        subject: `issuance/${id}`,
        before: { code, station }
      }
      const event = buildAuditEvent(what, { time, randomBytes })
      await store.purge({ refusalId: id, createdAt: time, actor: act.actor, reason: act.reason }, event)
      return findRefusal(id)
    }
  }
}
