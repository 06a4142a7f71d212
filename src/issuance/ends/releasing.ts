import { type Act, buildAuditEvent } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { IssuanceRecord, IssuedRecord } from '../../records/record.ts'
import type { Records } from '../../records/records.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { ReleaseStore } from './release-store.ts'

export interface Releasing {
  /**
   * Lets the device of a certificate that a compromised generation issued have its next one, where the profile leaves
   * that to an administrator: with the key it has or a new one. The same again changes nothing.
   *
   * @param act with its reason.
   * @returns the record.
   * @throws MintlineError `issuance_not_found`; `issuance_not_releasable` for one that stands, for what was not issued, and
   *   where the device has a later issuance: then it is that one which counts.
   */
  release(id: string, act: Act & { readonly reason: string }): Promise<IssuedRecord>
}

export interface ReleasingDependencies {
  readonly store: ReleaseStore
  readonly records: Pick<Records, 'find'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createReleasing({ store, records, clock, randomBytes }: ReleasingDependencies): Releasing {
  return {
    async release(id, act) {
      const before = requireEnded(await records.find(id))
      if (before.release !== undefined) return before
      const time = clock()
      const { actor, reason } = act
      const { serialNumber, authority, profile, station } = before
      const event = buildAuditEvent(
        {
          ...act,
          act: 'issuance.release',
          subject: `issuance/${id}`,
          before: { serialNumber, authority, profile, station }
        },
        { time, randomBytes }
      )
      const { laterId } = await store.insert({ intentId: id, createdAt: time, actor, reason }, event)
      if (laterId !== undefined) throw notLatest(id, laterId)
      return requireEnded(await records.find(id))
    }
  }
}

function requireEnded(record: IssuanceRecord): IssuedRecord {
  if (record.outcome === 'issued' && record.compromised) return record
  throw new MintlineError('issuance_not_releasable', `The record ${record.id} is ${reasonOf(record)}`)
}

function notLatest(id: string, laterId: string): MintlineError {
  return new MintlineError(
    'issuance_not_releasable',
    `The device of ${id} has a later issuance, ${laterId}: releasing this one would change nothing. Look at GET /v1/issuances/${laterId}; where that one has ended too, release it.`,
    { members: { laterIssuance: laterId } }
  )
}

/** Why it is not released, and what helps. */
function reasonOf({ id, outcome }: IssuanceRecord): string {
  return outcome === 'unknown'
    ? `open: nothing is recorded as issued. Send the same CSR again, which completes it, or end it with POST /v1/issuances/${id}/void.`
    : reasons[outcome]
}

const reasons = {
  issued:
    'issued, and its certificate stands: released is what a compromised generation issued. The device uses the certificate it has; its CSR gets the same again.',
  rejected: 'a refusal: nothing was issued, so that its device needs no release. Send a corrected CSR.',
  void: 'void: its device is free already. Send the CSR again, or one with a new key where that one is blocked.'
} as const satisfies Record<Exclude<IssuanceRecord['outcome'], 'unknown'>, string>
